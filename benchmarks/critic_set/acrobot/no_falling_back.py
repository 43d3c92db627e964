# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "What the free end gains in height pays, what it loses costs more; the goal pays most."
WEIGHTS = {"higher": 1.0, "drop": 4.0, "goal": 10.0}


def tip(upper_cos, upper_sin, lower_cos, lower_sin):
    # height of the free end above the fixed point, m
    return -upper_cos - (upper_cos * lower_cos - upper_sin * lower_sin)


def compute_reward(state, action, next_state, memory):
    height = tip(next_state["upper_cos"], next_state["upper_sin"], next_state["lower_cos"], next_state["lower_sin"])
    before = tip(state["upper_cos"], state["upper_sin"], state["lower_cos"], state["lower_sin"])
    return {
        "higher": height - before,
        "drop": -np.maximum(before - height, 0.0),
        "goal": np.where(height > 1.0, 1.0, 0.0),
    }
