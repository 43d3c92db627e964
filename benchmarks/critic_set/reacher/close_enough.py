# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Being close to the target pays in each step."
WEIGHTS = {"near": 1.0, "effort": 0.05}


def compute_reward(state, action, next_state, memory):
    distance = np.linalg.norm(next_state["target_offset"], axis=-1)
    return {
        "near": np.where(distance < 0.12, 1.0, 0.0),
        "effort": -np.sum(np.square(action), axis=-1),
    }
