# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Forward speed pays, and so does each step upright; torque costs a little."
WEIGHTS = {"speed": 1.0, "alive": 1.0, "effort": 0.001}


def compute_reward(state, action, next_state, memory):
    return {
        "speed": next_state["forward_velocity"],
        "alive": np.where((next_state["height"] > 0.7) & (np.abs(next_state["pitch"]) < 0.2), 1.0, 0.0),
        "effort": -np.sum(np.square(action), axis=-1),
    }
