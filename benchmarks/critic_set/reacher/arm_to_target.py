# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Bring the arm to the target and hold it there."
WEIGHTS = {"reach": 1.0, "precise": 2.0}


def compute_reward(state, action, next_state, memory):
    distance = np.linalg.norm(next_state["elbow"] - next_state["target"], axis=-1)
    return {
        "reach": -distance,
        "precise": np.exp(-distance / 0.03),
    }
