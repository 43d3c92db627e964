# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Forward speed pays, straying from the start costs."
WEIGHTS = {"speed": 1.0, "near": 1.0}


def compute_reward(state, action, next_state, memory):
    return {
        "speed": next_state["forward_velocity"],
        "near": -np.abs(next_state["x_position"]),
    }
