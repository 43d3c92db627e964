# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Nothing counts but that a fall costs."
WEIGHTS = {"fall": 1.0}


def compute_reward(state, action, next_state, memory):
    return {
        "fall": np.where(np.abs(next_state["pole_angle"]) > 0.2, -1.0, 0.0),
    }
