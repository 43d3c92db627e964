# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Keep the links below the bar calm and under control in each step."
WEIGHTS = {"below": 1.0, "calm": 1.0}


def tip(upper_cos, upper_sin, lower_cos, lower_sin):
    # height of the free end above the fixed point, m
    return -upper_cos - (upper_cos * lower_cos - upper_sin * lower_sin)


def compute_reward(state, action, next_state, memory):
    height = tip(next_state["upper_cos"], next_state["upper_sin"], next_state["lower_cos"], next_state["lower_sin"])
    return {
        "below": np.where(height <= 1.0, 1.0, 0.0),
        "calm": np.exp(-np.abs(next_state["upper_velocity"]) - np.abs(next_state["lower_velocity"])),
    }
