# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "A swinging upper link pays a little, every step costs one, the goal pays."
WEIGHTS = {"swing": 0.1, "time": 1.0, "goal": 20.0}


def tip(upper_cos, upper_sin, lower_cos, lower_sin):
    # height of the free end above the fixed point, m
    return -upper_cos - (upper_cos * lower_cos - upper_sin * lower_sin)


def compute_reward(state, action, next_state, memory):
    height = tip(next_state["upper_cos"], next_state["upper_sin"], next_state["lower_cos"], next_state["lower_sin"])
    return {
        "swing": np.abs(next_state["upper_velocity"]),
        "time": -np.ones_like(height),
        "goal": np.where(height > 1.0, 1.0, 0.0),
    }
