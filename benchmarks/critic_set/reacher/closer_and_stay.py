# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each centimetre gained pays and each one lost costs the same; staying at the target pays in each step."
WEIGHTS = {"closer": 10.0, "stay": 1.0}


def compute_reward(state, action, next_state, memory):
    before = np.linalg.norm(state["target_offset"], axis=-1)
    after = np.linalg.norm(next_state["target_offset"], axis=-1)
    return {
        "closer": before - after,
        "stay": np.exp(-np.square(after / 0.03)),
    }
