# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Pass the flag at speed, with little force."
WEIGHTS = {"flag": 100.0, "effort": 0.01}


def compute_reward(state, action, next_state, memory):
    passed = (next_state["position"] >= 0.45) & (next_state["velocity"] >= 0.069)
    return {
        "flag": np.where(passed, 1.0, 0.0),
        "effort": -np.square(action[:, 0]),
    }
