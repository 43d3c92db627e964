# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each step with the tip up pays; being off the top and fast costs."
WEIGHTS = {"alive": 10.0, "tip": 1.0, "calm": 0.002}


def compute_reward(state, action, next_state, memory):
    return {
        "alive": np.where(next_state["tip_position"][:, 2] > 1.0, 1.0, 0.0),
        "tip": -np.square(next_state["tip_position"][:, 2] - 1.2) - 0.01 * np.square(next_state["tip_position"][:, 0]),
        "calm": -np.sum(np.square(next_state["pole_velocities"]), axis=-1),
    }
