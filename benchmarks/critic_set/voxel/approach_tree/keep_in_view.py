# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Keep the tree in view, and be there at the end; each 3 blocks farther from the start are good."


def sparse(state, action, next_state, memory):
    return {"reached": 1.0 * (next_state["target_ahead_dist"] <= 2), "death": -1.0 * next_state["died"]}


def dense(state, action, next_state, memory):
    distance = np.linalg.norm(next_state["gps"], axis=-1) // 3
    farthest = memory.get("farthest", 0.0)
    memory["farthest"] = np.maximum(farthest, distance)
    return {"view": 1.0 * next_state["target_seen"], "explore": 1.0 * (distance > farthest)}
