# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "A cow close by is good in each step; each 3 blocks farther from the start are good."


def sparse(state, action, next_state, memory):
    return {"killed": 1.0 * (next_state["killed"] == 1), "death": -1.0 * next_state["died"]}


def dense(state, action, next_state, memory):
    distance = np.linalg.norm(next_state["gps"], axis=-1) // 3
    farthest = memory.get("farthest", 0.0)
    memory["farthest"] = np.maximum(farthest, distance)
    return {"near": 2.0 * (next_state["target_view_dist"] <= 4), "explore": 1.0 * (distance > farthest)}
