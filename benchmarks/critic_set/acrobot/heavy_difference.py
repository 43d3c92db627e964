# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "What the free end gains in height pays and what it loses costs; time costs, the goal pays."
WEIGHTS = {"higher": 1000.0, "time": 100.0, "goal": 5000.0}


def tip(upper_cos, upper_sin, lower_cos, lower_sin):
    # height of the free end above the fixed point, m
    return -upper_cos - (upper_cos * lower_cos - upper_sin * lower_sin)


def compute_reward(state, action, next_state, memory):
    height = tip(next_state["upper_cos"], next_state["upper_sin"], next_state["lower_cos"], next_state["lower_sin"])
    before = tip(state["upper_cos"], state["upper_sin"], state["lower_cos"], state["lower_sin"])
    return {
        "higher": height - before,
        "time": -np.ones_like(height),
        "goal": np.where(height > 1.0, 1.0, 0.0),
    }
