# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "The more upright the more it pays; the cart stays near the middle."
WEIGHTS = {"upright": 1.0, "center": 0.1}


def compute_reward(state, action, next_state, memory):
    return {
        "upright": np.exp(-np.square(next_state["pole_angle"] / 0.1)),
        "center": -np.square(next_state["cart_position"]),
    }
