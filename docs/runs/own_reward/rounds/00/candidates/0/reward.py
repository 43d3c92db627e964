IDEA = "Close the distance to the target; the best distance so far keeps its value."
WEIGHTS = {"reach": 1.0, "effort": 0.05}

def compute_reward(state, action, next_state, memory):
    distance = np.linalg.norm(next_state["target_offset"], axis=-1)
    best = memory.get("best", distance)
    memory["best"] = np.minimum(best, distance)
    return {"reach": np.maximum(best - distance, 0.0) * 10.0, "effort": -np.sum(np.square(action), axis=-1)}
