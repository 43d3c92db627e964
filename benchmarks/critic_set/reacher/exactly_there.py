# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Only being exactly on the target counts, with little torque."
WEIGHTS = {"inside": 10.0, "effort": 0.05}


def compute_reward(state, action, next_state, memory):
    distance = np.linalg.norm(next_state["target_offset"], axis=-1)
    return {
        "inside": np.where(distance < 0.0003, 1.0, 0.0),
        "effort": -np.sum(np.square(action), axis=-1),
    }
