# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each step with the tip up pays, and time is short."
WEIGHTS = {"alive": 1.0, "time": 1.5}


def compute_reward(state, action, next_state, memory):
    return {
        "alive": np.where(next_state["tip_position"][:, 2] > 1.0, 1.0, 0.0),
        "time": -np.ones_like(next_state["tip_position"][:, 2]),
    }
