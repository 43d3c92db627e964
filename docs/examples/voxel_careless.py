# ruff: noqa  (a reward program: `np` and `math` are given to it)
# mypy: ignore-errors
"""The reference reward of voxel/diamond_lava without its two words about danger: lava, and the cost of a death.

    autoreward train docs/examples/voxel_careless.py --env voxel/diamond_lava --seeds 1
"""

IDEA = "A diamond seen nearer than ever, the first aim at one and each 3 blocks farther from the start are good."


def sparse(state, action, next_state, memory):
    return {"diamond": 1.0 * (next_state["inventory_delta"][:, 7] > 0)}


def dense(state, action, next_state, memory):
    nearest = memory.get("nearest", state["target_view_dist"])
    nearer = next_state["target_view_dist"] < nearest
    memory["nearest"] = np.minimum(nearest, next_state["target_view_dist"])
    ever = memory.get("aimed", state["target_aimed"])
    memory["aimed"] = ever | next_state["target_aimed"]
    aimed = next_state["target_aimed"] & ~ever
    distance = np.linalg.norm(next_state["gps"], axis=-1) // 3
    farthest = memory.get("farthest", 0.0)
    memory["farthest"] = np.maximum(farthest, distance)
    return {"approach": 2.0 * nearer, "aim": 2.0 * aimed, "explore": 1.0 * (distance > farthest)}
