# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Come close to the target without running into it."
WEIGHTS = {"reach": 1.0, "clear": 1.0}


def compute_reward(state, action, next_state, memory):
    distance = np.linalg.norm(next_state["target_offset"], axis=-1)
    return {
        "reach": -distance,
        "clear": -np.exp(-distance / 0.05),
    }
