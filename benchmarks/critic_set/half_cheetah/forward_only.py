# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Forward speed pays, backward speed is nothing."
WEIGHTS = {"speed": 1.0, "effort": 0.02}


def compute_reward(state, action, next_state, memory):
    return {
        "speed": np.maximum(next_state["forward_velocity"], 0.0),
        "effort": -np.sum(np.square(action), axis=-1),
    }
