# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "The faster forward the better, upright."
WEIGHTS = {"speed": 1.0, "up": 0.1}


def compute_reward(state, action, next_state, memory):
    return {
        "speed": next_state["forward_speed"],
        "up": next_state["up"],
    }
