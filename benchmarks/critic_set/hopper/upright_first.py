# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "A straight, high torso that goes forward."
WEIGHTS = {"straight": 10.0, "speed": 0.2}


def compute_reward(state, action, next_state, memory):
    return {
        "straight": np.exp(
            -np.square(next_state["pitch"] / 0.05)
            - np.square((next_state["height"] - 1.25) / 0.1)
            - np.square(next_state["vertical_velocity"] / 0.3)
        ),
        "speed": next_state["forward_velocity"],
    }
