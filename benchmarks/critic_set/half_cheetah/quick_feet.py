# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Quick feet make a quick runner."
WEIGHTS = {"feet": 1.0, "effort": 0.05}


def compute_reward(state, action, next_state, memory):
    return {
        "feet": np.abs(next_state["front_foot_velocity"][:, 0] - next_state["back_foot_velocity"][:, 0]),
        "effort": -np.sum(np.square(action), axis=-1),
    }
