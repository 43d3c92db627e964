# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each step upright pays two, each step costs one."
WEIGHTS = {"alive": 2.0, "time": 1.0}


def compute_reward(state, action, next_state, memory):
    return {
        "alive": np.where(np.abs(next_state["pole_angle"]) <= 0.2, 1.0, 0.0),
        "time": -np.ones_like(next_state["pole_angle"]),
    }
