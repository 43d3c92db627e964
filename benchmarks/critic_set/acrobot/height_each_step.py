# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "The free end's height counts in each step."
WEIGHTS = {"height": 1.0}


def compute_reward(state, action, next_state, memory):
    height = next_state["upper_cos"] + (
        next_state["upper_cos"] * next_state["lower_cos"] - next_state["upper_sin"] * next_state["lower_sin"]
    )
    return {
        "height": height,
    }
