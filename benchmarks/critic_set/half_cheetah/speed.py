# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Forward speed pays, torque costs a little."
WEIGHTS = {"speed": 1.0, "effort": 0.1}


def compute_reward(state, action, next_state, memory):
    return {
        "speed": next_state["forward_velocity"],
        "effort": -np.sum(np.square(action), axis=-1),
    }
