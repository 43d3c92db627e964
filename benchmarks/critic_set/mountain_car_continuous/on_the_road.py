# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Keep going: each step on the road pays, more at speed."
WEIGHTS = {"going": 1.0, "speed": 1.0}


def compute_reward(state, action, next_state, memory):
    return {
        "going": np.where(next_state["position"] < 0.45, 1.0, 0.0),
        "speed": np.abs(next_state["velocity"]),
    }
