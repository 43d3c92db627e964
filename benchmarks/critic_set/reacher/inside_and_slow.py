# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Being inside the tolerance pays most; on the way the distance counts, and at the target speed costs."
WEIGHTS = {"inside": 3.0, "reach": 5.0, "rest": 0.02}


def compute_reward(state, action, next_state, memory):
    distance = np.linalg.norm(next_state["target_offset"], axis=-1)
    return {
        "inside": np.where(distance < 0.03, 1.0, 0.0),
        "reach": -distance,
        "rest": -np.linalg.norm(next_state["joint_velocity"], axis=-1) * np.exp(-distance / 0.03),
    }
