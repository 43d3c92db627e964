# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each centimetre nearer pays, torque costs a little."
WEIGHTS = {"closer": 10.0, "effort": 0.0005}


def compute_reward(state, action, next_state, memory):
    before = np.linalg.norm(state["cylinder_position"] - state["hand_position"], axis=-1)
    after = np.linalg.norm(next_state["cylinder_position"] - next_state["hand_position"], axis=-1)
    return {
        "closer": np.maximum(before - after, 0.0),
        "effort": -np.sum(np.square(action), axis=-1),
    }
