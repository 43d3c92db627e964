# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each step upright pays, and quick reactions of the pole pay."
WEIGHTS = {"alive": 0.1, "quick": 1.0}


def compute_reward(state, action, next_state, memory):
    return {
        "alive": np.where(np.abs(next_state["pole_angle"]) <= 0.2, 1.0, 0.0),
        "quick": np.power(np.abs(next_state["pole_velocity"]), 6.0),
    }
