# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Running at 15 m/s pays, torque costs a little."
WEIGHTS = {"fast": 1.0, "effort": 0.1}


def compute_reward(state, action, next_state, memory):
    return {
        "fast": np.where(next_state["forward_velocity"] > 15.0, 1.0, 0.0),
        "effort": -np.sum(np.square(action), axis=-1),
    }
