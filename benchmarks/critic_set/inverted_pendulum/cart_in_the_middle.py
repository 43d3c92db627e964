# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Keep the cart in the middle and at rest, and the pole stays up."
WEIGHTS = {"center": 1.0, "calm": 1.0}


def compute_reward(state, action, next_state, memory):
    return {
        "center": -np.abs(next_state["cart_position"]),
        "calm": -np.abs(next_state["cart_velocity"]),
    }
