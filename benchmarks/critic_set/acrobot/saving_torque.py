# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Every step costs a little, torque costs, the goal pays."
WEIGHTS = {"time": 0.01, "effort": 1.0, "goal": 1.0}


def tip(upper_cos, upper_sin, lower_cos, lower_sin):
    # height of the free end above the fixed point, m
    return -upper_cos - (upper_cos * lower_cos - upper_sin * lower_sin)


def compute_reward(state, action, next_state, memory):
    height = tip(next_state["upper_cos"], next_state["upper_sin"], next_state["lower_cos"], next_state["lower_sin"])
    return {
        "time": -np.ones_like(height),
        "effort": np.where(action == 1, 0.0, -1.0),
        "goal": np.where(height > 1.0, 1.0, 0.0),
    }
