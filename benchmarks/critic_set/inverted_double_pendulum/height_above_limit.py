# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "The higher the tip above the limit the better."
WEIGHTS = {"height": 5.0}


def compute_reward(state, action, next_state, memory):
    return {
        "height": np.clip(next_state["tip_position"][:, 2] - 1.0, 0.0, 0.2),
    }
