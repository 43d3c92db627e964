# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "The free end's height above the lowest point pays in each step."
WEIGHTS = {"height": 1.0}


def tip(upper_cos, upper_sin, lower_cos, lower_sin):
    # height of the free end above the fixed point, m
    return -upper_cos - (upper_cos * lower_cos - upper_sin * lower_sin)


def compute_reward(state, action, next_state, memory):
    height = tip(next_state["upper_cos"], next_state["upper_sin"], next_state["lower_cos"], next_state["lower_sin"])
    return {
        "height": np.where(height > 1.0, 0.0, height + 2.0),
    }
