# ruff: noqa  (a reward program: `np` and `math` are given to it)
# mypy: ignore-errors
"""Hand-written reference reward of finding a diamond; frozen before any designed reward was seen."""

IDEA = "A diamond seen nearer than ever, the first aim at one and each 3 blocks farther from the start are good; lava is bad."


def sparse(state, action, next_state, memory):
    return {"diamond": next_state["inventory_delta"][:, 7] > 0, "death": -1.0 * next_state["died"]}


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
    lava = next_state["moved"] & next_state["lava_ahead"]
    return {"approach": 2.0 * nearer, "aim": 2.0 * aimed, "explore": 1.0 * (distance > farthest), "lava": -3.0 * lava}
