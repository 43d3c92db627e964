# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "The nearer the speed to 5 m/s the better, on two scales."
WEIGHTS = {"wide": 1.0, "speed": 0.2}


def compute_reward(state, action, next_state, memory):
    return {
        "wide": np.exp(-np.square((next_state["forward_velocity"] - 5.0) / 3.0)),
        "speed": np.clip(next_state["forward_velocity"], -5.0, 5.0),
    }
