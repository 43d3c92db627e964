# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "A cow seen nearer than ever and each 3 blocks farther from the start are good, and so are hits: they are what hunting takes."


def sparse(state, action, next_state, memory):
    return {"killed": 1.0 * (next_state["killed"] == 1), "death": -1.0 * next_state["died"]}


def dense(state, action, next_state, memory):
    nearest = memory.get("nearest", state["target_view_dist"])
    memory["nearest"] = np.minimum(nearest, next_state["target_view_dist"])
    distance = np.linalg.norm(next_state["gps"], axis=-1) // 3
    farthest = memory.get("farthest", 0.0)
    memory["farthest"] = np.maximum(farthest, distance)
    return {
        "approach": 2.0 * (next_state["target_view_dist"] < nearest),
        "explore": 1.0 * (distance > farthest),
        "hit": np.where(next_state["mining_progress"] > 0, 2.0, 0.0) + 2.0 * (next_state["mined"] > 0),
    }
