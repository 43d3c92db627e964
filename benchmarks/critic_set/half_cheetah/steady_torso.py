# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Run forward with a level, steady torso."
WEIGHTS = {"speed": 0.2, "level": 10.0}


def compute_reward(state, action, next_state, memory):
    return {
        "speed": next_state["forward_velocity"],
        "level": np.exp(-np.square(next_state["pitch"] / 0.05) - np.square(next_state["pitch_velocity"] / 0.5)),
    }
