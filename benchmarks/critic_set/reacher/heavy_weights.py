# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Close the distance and be exact, with little torque."
WEIGHTS = {"reach": 1500.0, "precise": 3000.0, "effort": 5.0}


def compute_reward(state, action, next_state, memory):
    distance = np.linalg.norm(next_state["target_offset"], axis=-1)
    return {
        "reach": -distance,
        "precise": np.exp(-distance / 0.03),
        "effort": -np.sum(np.square(action), axis=-1),
    }
