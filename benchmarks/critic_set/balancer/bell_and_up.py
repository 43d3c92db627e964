# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "The nearer the speed to 0.6 m/s the better, upright."
WEIGHTS = {"speed": 1.0, "up": 0.5}


def compute_reward(state, action, next_state, memory):
    return {
        "speed": np.exp(-np.square((next_state["forward_speed"] - 0.6) / 0.3)),
        "up": next_state["up"],
    }
