# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Turn the pole up: the angle from straight up costs; the cart stays near the middle."
WEIGHTS = {"upright": 1.0, "center": 0.1}


def compute_reward(state, action, next_state, memory):
    return {
        "upright": -np.abs(math.pi - np.abs(next_state["pole_angle"])),
        "center": -np.square(next_state["cart_position"]),
    }
