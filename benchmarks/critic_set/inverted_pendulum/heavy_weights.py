# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each step upright pays, leaning and force cost."
WEIGHTS = {"alive": 1000.0, "lean": 20000.0, "effort": 1.0}


def compute_reward(state, action, next_state, memory):
    return {
        "alive": np.where(np.abs(next_state["pole_angle"]) <= 0.2, 1.0, 0.0),
        "lean": -np.square(next_state["pole_angle"]),
        "effort": -np.square(action[:, 0]),
    }
