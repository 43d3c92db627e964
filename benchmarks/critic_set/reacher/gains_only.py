# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each centimetre nearer to the target pays, torque costs a little."
WEIGHTS = {"closer": 20.0, "effort": 0.005}


def compute_reward(state, action, next_state, memory):
    before = np.linalg.norm(state["target_offset"], axis=-1)
    after = np.linalg.norm(next_state["target_offset"], axis=-1)
    return {
        "closer": np.maximum(before - after, 0.0),
        "effort": -np.sum(np.square(action), axis=-1),
    }
