# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Speed pays, leaving the middle of the valley costs, the flag pays."
WEIGHTS = {"speed": 20.0, "middle": 10.0, "flag": 10.0}


def compute_reward(state, action, next_state, memory):
    return {
        "speed": np.abs(next_state["velocity"]),
        "middle": -np.square(next_state["position"] + 0.52),
        "flag": np.where(next_state["position"] >= 0.45, 1.0, 0.0),
    }
