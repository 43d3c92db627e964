# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "A diamond seen nearer than ever and each 3 blocks farther from the start are good; lava close by in view is bad, and a clear view good."


def sparse(state, action, next_state, memory):
    return {"diamond": 1.0 * (next_state["inventory_delta"][:, 7] > 0), "death": -1.0 * next_state["died"]}


def dense(state, action, next_state, memory):
    nearest = memory.get("nearest", state["target_view_dist"])
    memory["nearest"] = np.minimum(nearest, next_state["target_view_dist"])
    distance = np.linalg.norm(next_state["gps"], axis=-1) // 3
    farthest = memory.get("farthest", 0.0)
    memory["farthest"] = np.maximum(farthest, distance)
    return {
        "approach": 2.0 * (next_state["target_view_dist"] < nearest),
        "explore": 1.0 * (distance > farthest),
        "safe": np.where(next_state["lava_view_dist"] > 6.0, 1.0, -3.0),
    }
