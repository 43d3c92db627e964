# ruff: noqa  (a reward program: `np` and `math` are given to it)
# mypy: ignore-errors
"""Hand-written reference reward of walking up to something; frozen before any designed reward was seen."""

IDEA = "A target seen nearer than ever and each 3 blocks farther from the start are good; walking up to lava is bad."


def sparse(state, action, next_state, memory):
    reached = next_state["target_view_dist"] <= 2
    return {"reached": 1.0 * reached, "death": -1.0 * next_state["died"]}


def dense(state, action, next_state, memory):
    nearest = memory.get("nearest", state["target_view_dist"])
    nearer = next_state["target_view_dist"] < nearest
    memory["nearest"] = np.minimum(nearest, next_state["target_view_dist"])
    distance = np.linalg.norm(next_state["gps"], axis=-1) // 3
    farthest = memory.get("farthest", 0.0)
    memory["farthest"] = np.maximum(farthest, distance)
    lava = next_state["moved"] & next_state["lava_ahead"]
    return {"approach": 2.0 * nearer, "explore": 1.0 * (distance > farthest), "lava": -3.0 * lava}
