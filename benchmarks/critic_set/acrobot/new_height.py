# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each new best height pays once, every step costs a little, the goal pays most."
WEIGHTS = {"higher": 5.0, "time": 0.1, "goal": 10.0}


def tip(upper_cos, upper_sin, lower_cos, lower_sin):
    # height of the free end above the fixed point, m
    return -upper_cos - (upper_cos * lower_cos - upper_sin * lower_sin)


def compute_reward(state, action, next_state, memory):
    height = tip(next_state["upper_cos"], next_state["upper_sin"], next_state["lower_cos"], next_state["lower_sin"])
    before = tip(state["upper_cos"], state["upper_sin"], state["lower_cos"], state["lower_sin"])
    best = memory.get("best", before)
    memory["best"] = np.maximum(best, height)
    return {
        "higher": np.maximum(height - best, 0.0),
        "time": -np.ones_like(height),
        "goal": np.where(height > 1.0, 1.0, 0.0),
    }
