# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Fold the lower link back on the upper one, which brings the free end up."
WEIGHTS = {"fold": 1.0}


def compute_reward(state, action, next_state, memory):
    return {
        "fold": -next_state["lower_cos"],
    }
