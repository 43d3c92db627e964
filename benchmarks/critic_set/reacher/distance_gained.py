# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "What the fingertip gains on the target pays in each step."
WEIGHTS = {"closer": 20.0, "effort": 0.01}


def compute_reward(state, action, next_state, memory):
    before = np.linalg.norm(state["target_offset"], axis=-1)
    after = np.linalg.norm(next_state["target_offset"], axis=-1)
    return {
        "closer": after - before,
        "effort": -np.sum(np.square(action), axis=-1),
    }
