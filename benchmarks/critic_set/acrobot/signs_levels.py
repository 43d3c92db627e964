# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "The goal is good; on the way each new 10 cm of height are."


def tip(upper_cos, upper_sin, lower_cos, lower_sin):
    # height of the free end above the fixed point, m
    return -upper_cos - (upper_cos * lower_cos - upper_sin * lower_sin)


def sparse(state, action, next_state, memory):
    height = tip(next_state["upper_cos"], next_state["upper_sin"], next_state["lower_cos"], next_state["lower_sin"])
    return {"goal": np.where(height > 1.0, 1.0, 0.0)}


def dense(state, action, next_state, memory):
    height = tip(next_state["upper_cos"], next_state["upper_sin"], next_state["lower_cos"], next_state["lower_sin"])
    before = tip(state["upper_cos"], state["upper_sin"], state["lower_cos"], state["lower_sin"])
    level = np.floor(10.0 * height)
    best = memory.get("best", np.floor(10.0 * before))
    memory["best"] = np.maximum(best, level)
    return {"level": np.where(level > best, 1.0, 0.0)}
