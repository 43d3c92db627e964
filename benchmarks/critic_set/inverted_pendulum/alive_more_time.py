# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each step upright pays, and time is short."
WEIGHTS = {"alive": 1.0, "time": 1.2}


def compute_reward(state, action, next_state, memory):
    return {
        "alive": np.where(np.abs(next_state["pole_angle"]) <= 0.2, 1.0, 0.0),
        "time": -np.ones_like(next_state["pole_angle"]),
    }
