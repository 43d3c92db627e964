# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "The nearer the wheels' speed to 0.6 the better, upright."
WEIGHTS = {"speed": 1.0, "up": 0.5}


def compute_reward(state, action, next_state, memory):
    wheels = np.mean(next_state["wheel_speeds"], axis=-1)
    return {
        "speed": np.exp(-np.square((wheels - 0.6) / 0.3)),
        "up": next_state["up"],
    }
