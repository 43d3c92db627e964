# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Every step costs until the fingertip is at the target."
WEIGHTS = {"reach": 1.0, "precise": 2.0, "time": 1.0}


def compute_reward(state, action, next_state, memory):
    distance = np.linalg.norm(next_state["target_offset"], axis=-1)
    return {
        "reach": -distance,
        "precise": np.exp(-distance / 0.03),
        "time": -np.ones_like(distance),
    }
