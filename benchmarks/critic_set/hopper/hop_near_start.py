# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Forward speed pays, straying from the start costs, each step upright pays."
WEIGHTS = {"speed": 1.0, "alive": 1.0, "near": 5.0}


def compute_reward(state, action, next_state, memory):
    return {
        "speed": next_state["forward_velocity"],
        "alive": np.where((next_state["height"] > 0.7) & (np.abs(next_state["pitch"]) < 0.2), 1.0, 0.0),
        "near": -np.abs(next_state["x_position"]),
    }
