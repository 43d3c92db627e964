# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "The tip is to be 1.2 m up; speed costs a little."
WEIGHTS = {"tip": 1.0, "calm": 0.002}


def compute_reward(state, action, next_state, memory):
    return {
        "tip": -np.abs(next_state["tip_position"][:, 1] - 1.2),
        "calm": -np.sum(np.square(next_state["pole_velocities"]), axis=-1),
    }
