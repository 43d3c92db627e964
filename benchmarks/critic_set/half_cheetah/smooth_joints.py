# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Forward speed pays, quick joints cost."
WEIGHTS = {"speed": 1.0, "smooth": 1.0}


def compute_reward(state, action, next_state, memory):
    return {
        "speed": next_state["forward_velocity"],
        "smooth": -np.sum(np.square(next_state["joint_velocities"]), axis=-1),
    }
