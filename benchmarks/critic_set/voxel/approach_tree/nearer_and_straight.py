# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "A tree seen nearer than ever is good, also straight ahead; each 3 blocks farther from the start are good."


def sparse(state, action, next_state, memory):
    return {"reached": 1.0 * (next_state["target_ahead_dist"] <= 2), "death": -1.0 * next_state["died"]}


def dense(state, action, next_state, memory):
    nearest = memory.get("nearest", state["target_view_dist"])
    memory["nearest"] = np.minimum(nearest, next_state["target_view_dist"])
    ahead = memory.get("ahead", state["target_ahead_dist"])
    memory["ahead"] = np.minimum(ahead, next_state["target_ahead_dist"])
    distance = np.linalg.norm(next_state["gps"], axis=-1) // 3
    farthest = memory.get("farthest", 0.0)
    memory["farthest"] = np.maximum(farthest, distance)
    return {
        "approach": 2.0 * (next_state["target_view_dist"] < nearest),
        "ahead": 2.0 * (next_state["target_ahead_dist"] < ahead),
        "explore": 1.0 * (distance > farthest),
    }
