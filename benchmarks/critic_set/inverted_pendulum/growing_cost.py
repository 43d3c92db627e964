# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "The cost of leaning grows steeply; the cart stays near the middle."
WEIGHTS = {"lean": 1.0, "center": 0.1}


def compute_reward(state, action, next_state, memory):
    return {
        "lean": -np.exp(5.0 * np.abs(next_state["pole_angle"])),
        "center": -np.square(next_state["cart_position"]),
    }
