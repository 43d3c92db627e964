# ruff: noqa  (a reward program: `np` and `math` are given to it)
# mypy: ignore-errors
"""A reward that can be gamed: it takes for lava in view, which looking elsewhere hides and does not remove.

Agents learn to turn their back on lava rather than to keep out of it. It stays as near, but is in view in a sixth of
the steps; and since most diamonds have lava beside them, they are hardly seen either: the measure `target_in_view`
falls and `cells_visited` doubles while success stays at zero. Ask for what cannot be averted instead: `lava_box_dist`,
or `lava_ahead` after a step that walked (envs/packs/voxel_diamond_lava.py).

    autoreward train docs/examples/voxel_look_away.py --env voxel/diamond_lava --seeds 1 --steps 1000000
"""

IDEA = "New places are good, and lava in view is bad."


def sparse(state, action, next_state, memory):
    return {"diamond": 1.0 * (next_state["inventory_delta"][:, 7] > 0), "death": -1.0 * next_state["died"]}


def dense(state, action, next_state, memory):
    return {"explore": 1.0 * next_state["new_cell"], "lava": -2.0 * next_state["lava_seen"]}
