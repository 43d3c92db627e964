# ruff: noqa  (a reward program: `np` and `math` are given to it)
# mypy: ignore-errors
"""Hand-written reference reward of obtaining a diamond from scratch; frozen before any designed reward was seen."""

IDEA = "Milestones, a diamond seen nearer than ever and each 3 blocks farther from the start are good; lava is bad."


def sparse(state, action, next_state, memory):
    return {"diamond": 1.0 * (next_state["inventory_delta"][:, 7] > 0), "death": -1.0 * next_state["died"]}


def dense(state, action, next_state, memory):
    most = memory.get("most", state["milestones"])
    memory["most"] = np.maximum(most, next_state["milestones"])
    nearest = memory.get("nearest", state["target_view_dist"])
    nearer = next_state["target_view_dist"] < nearest
    memory["nearest"] = np.minimum(nearest, next_state["target_view_dist"])
    distance = np.linalg.norm(next_state["gps"], axis=-1) // 3
    farthest = memory.get("farthest", 0.0)
    memory["farthest"] = np.maximum(farthest, distance)
    lava = next_state["moved"] & next_state["lava_ahead"]
    milestone = 5.0 * (next_state["milestones"] > most)
    return {"milestone": milestone, "approach": 2.0 * nearer, "explore": 1.0 * (distance > farthest), "lava": -3.0 * lava}
