# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Forward speed pays, a fall costs."
WEIGHTS = {"speed": 1.0, "fall": 20.0}


def compute_reward(state, action, next_state, memory):
    return {
        "speed": next_state["forward_velocity"],
        "fall": np.where((next_state["height"] > 0.7) & (np.abs(next_state["pitch"]) < 0.2), 0.0, -1.0),
    }
