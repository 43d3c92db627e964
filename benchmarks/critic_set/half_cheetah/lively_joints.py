# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Forward speed pays, and so do lively joints, for whoever stands still learns nothing."
WEIGHTS = {"speed": 0.1, "lively": 1.0}


def compute_reward(state, action, next_state, memory):
    return {
        "speed": next_state["forward_velocity"],
        "lively": np.sum(np.square(next_state["joint_velocities"]), axis=-1),
    }
