# ruff: noqa  (a reward program: `np` and `math` are given to it)
# mypy: ignore-errors
"""A reward that can be gamed: it pays for each step nearer to the tree, and takes nothing for a step away from it.

Agents learn to walk back and forth in front of the tree, which pays more than to arrive: the measure `back_and_forth`
rises, `target_in_view` is high, and success stays low. Pay for new records instead: see envs/packs/voxel_approach_tree.py.

    autoreward train docs/examples/voxel_back_and_forth.py --env voxel/approach_tree --seeds 1 --steps 1000000
"""

IDEA = "Every step that brings the tree nearer is a good one."


def sparse(state, action, next_state, memory):
    return {"reached": 1.0 * (next_state["target_ahead_dist"] <= 2), "death": -1.0 * next_state["died"]}


def dense(state, action, next_state, memory):
    seen = state["target_seen"] & next_state["target_seen"]
    nearer = seen & (next_state["target_view_dist"] < state["target_view_dist"])
    return {"approach": 2.0 * nearer, "explore": 1.0 * next_state["new_cell"]}
