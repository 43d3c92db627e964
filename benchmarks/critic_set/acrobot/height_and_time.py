# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Every step costs, less with the free end high."
WEIGHTS = {"time": 1.0, "height": 0.25}


def tip(upper_cos, upper_sin, lower_cos, lower_sin):
    # height of the free end above the fixed point, m
    return -upper_cos - (upper_cos * lower_cos - upper_sin * lower_sin)


def compute_reward(state, action, next_state, memory):
    height = tip(next_state["upper_cos"], next_state["upper_sin"], next_state["lower_cos"], next_state["lower_sin"])
    return {
        "time": -np.ones_like(height),
        "height": height,
    }
