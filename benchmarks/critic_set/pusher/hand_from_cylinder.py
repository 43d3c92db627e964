# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Close the distance of hand and cylinder; torque costs a little."
WEIGHTS = {"reach": 1.0, "effort": 0.001}


def compute_reward(state, action, next_state, memory):
    distance = np.linalg.norm(next_state["cylinder_position"] - next_state["hand_position"], axis=-1)
    return {
        "reach": distance,
        "effort": -np.sum(np.square(action), axis=-1),
    }
