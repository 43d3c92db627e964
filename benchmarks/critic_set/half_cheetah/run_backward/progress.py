# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each metre towards the tail pays."
WEIGHTS = {"backward": 20.0}


def compute_reward(state, action, next_state, memory):
    gain = state["x_position"] - next_state["x_position"]
    return {
        "backward": gain,
    }
