# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each new best distance pays, being near pays in each step, effort costs."
WEIGHTS = {"closer": 20.0, "near": 1.0, "effort": 0.01}


def compute_reward(state, action, next_state, memory):
    before = np.linalg.norm(state["target_offset"], axis=-1)
    after = np.linalg.norm(next_state["target_offset"], axis=-1)
    best = memory.get("best", before)
    memory["best"] = np.minimum(best, after)
    return {
        "closer": np.maximum(best - after, 0.0),
        "near": np.exp(-after / 0.03),
        "effort": -np.sum(np.square(action), axis=-1),
    }
