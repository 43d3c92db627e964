# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Hits on a cow are good, a step nearer to one in view is good and one away from it bad; each 3 blocks farther from the start are good."


def sparse(state, action, next_state, memory):
    return {"killed": 1.0 * (next_state["killed"] == 1), "death": -1.0 * next_state["died"]}


def dense(state, action, next_state, memory):
    seen = state["target_seen"] & next_state["target_seen"]
    step = state["target_view_dist"] - next_state["target_view_dist"]
    distance = np.linalg.norm(next_state["gps"], axis=-1) // 3
    farthest = memory.get("farthest", 0.0)
    memory["farthest"] = np.maximum(farthest, distance)
    return {
        "hit": 3.0 * (next_state["hit_animal"] == 1),
        "approach": 2.0 * np.sign(step) * seen,
        "explore": 1.0 * (distance > farthest),
    }
