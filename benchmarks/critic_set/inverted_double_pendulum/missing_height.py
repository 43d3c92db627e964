# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "The height that the tip misses costs, the more the lower; speed costs a little."
WEIGHTS = {"missing": 1.0, "calm": 0.002}


def compute_reward(state, action, next_state, memory):
    return {
        "missing": -np.exp(5.0 * (1.2 - next_state["tip_position"][:, 2])),
        "calm": -np.sum(np.square(next_state["pole_velocities"]), axis=-1),
    }
