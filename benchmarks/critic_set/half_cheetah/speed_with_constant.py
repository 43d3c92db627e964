# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each step pays one, and forward speed pays; torque costs a little."
WEIGHTS = {"alive": 1.0, "speed": 1.0, "effort": 0.05}


def compute_reward(state, action, next_state, memory):
    return {
        "alive": np.ones_like(next_state["forward_velocity"]),
        "speed": next_state["forward_velocity"],
        "effort": -np.sum(np.square(action), axis=-1),
    }
