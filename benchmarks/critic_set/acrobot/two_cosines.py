# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Both links up: the height of the free end pays in each step."
WEIGHTS = {"height": 1.0}


def compute_reward(state, action, next_state, memory):
    height = 2.0 - next_state["upper_cos"] - next_state["lower_cos"]
    return {
        "height": height,
    }
