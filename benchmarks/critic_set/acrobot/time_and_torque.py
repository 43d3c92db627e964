# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Every step before the goal costs one, torque costs a little."
WEIGHTS = {"time": 1.0, "effort": 0.01}


def tip(upper_cos, upper_sin, lower_cos, lower_sin):
    # height of the free end above the fixed point, m
    return -upper_cos - (upper_cos * lower_cos - upper_sin * lower_sin)


def compute_reward(state, action, next_state, memory):
    height = tip(next_state["upper_cos"], next_state["upper_sin"], next_state["lower_cos"], next_state["lower_sin"])
    return {
        "time": np.where(height > 1.0, 0.0, -1.0),
        "effort": np.where(action == 1, 0.0, -1.0),
    }
