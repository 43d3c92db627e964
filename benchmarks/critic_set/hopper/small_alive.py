# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Forward speed pays most, each step upright a little."
WEIGHTS = {"speed": 2.0, "alive": 0.2}


def compute_reward(state, action, next_state, memory):
    return {
        "speed": next_state["forward_velocity"],
        "alive": np.where((next_state["height"] > 0.7) & (np.abs(next_state["pitch"]) < 0.2), 1.0, 0.0),
    }
