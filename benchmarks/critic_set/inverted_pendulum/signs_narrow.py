# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "A fall is bad, nearly straight up is good."


def sparse(state, action, next_state, memory):
    return {"fall": np.where(np.abs(next_state["pole_angle"]) > 0.2, -1.0, 0.0)}


def dense(state, action, next_state, memory):
    return {"straight": np.where(np.abs(next_state["pole_angle"]) < 0.1, 1.0, 0.0)}
