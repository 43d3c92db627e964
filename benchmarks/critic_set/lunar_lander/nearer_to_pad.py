# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "What brings the lander nearer to the pad and more upright pays, fuel costs."
WEIGHTS = {"nearer": 1.0, "fuel": 0.3}


def worth(x, y, vx, vy, angle, left, right):
    # most on the middle of the pad and upright; legs on the ground help
    return -100.0 * np.hypot(x, y) - 100.0 * np.abs(angle) + 10.0 * (left + right)


def compute_reward(state, action, next_state, memory):
    before = worth(
        state["x_position"],
        state["y_position"],
        state["x_velocity"],
        state["y_velocity"],
        state["angle"],
        state["left_leg_contact"],
        state["right_leg_contact"],
    )
    after = worth(
        next_state["x_position"],
        next_state["y_position"],
        next_state["x_velocity"],
        next_state["y_velocity"],
        next_state["angle"],
        next_state["left_leg_contact"],
        next_state["right_leg_contact"],
    )
    return {
        "nearer": after - before,
        "fuel": np.where(action == 2, -1.0, 0.0),
    }
