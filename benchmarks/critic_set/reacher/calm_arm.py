# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "A calm arm that comes close to the target."
WEIGHTS = {"reach": 0.5, "calm": 10.0}


def compute_reward(state, action, next_state, memory):
    distance = np.linalg.norm(next_state["target_offset"], axis=-1)
    return {
        "reach": -distance,
        "calm": np.exp(-np.sum(np.abs(next_state["joint_velocity"]), axis=-1)),
    }
