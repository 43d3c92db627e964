# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each new best distance pays once, being near pays in each step."
WEIGHTS = {"closer": 10.0, "near": 0.5, "reach": 0.2}


def compute_reward(state, action, next_state, memory):
    before = np.linalg.norm(state["cylinder_position"] - state["hand_position"], axis=-1)
    after = np.linalg.norm(next_state["cylinder_position"] - next_state["hand_position"], axis=-1)
    best = memory.get("best", before)
    memory["best"] = np.minimum(best, after)
    return {
        "closer": np.maximum(best - after, 0.0),
        "near": np.exp(-np.square(after / 0.12)),
        "reach": -after,
    }
