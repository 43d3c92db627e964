# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "What brings the lander nearer, slower and more upright pays, and so does each step steady over the pad; a crash costs."
WEIGHTS = {"nearer": 1.0, "steady": 5.0, "out": 100.0, "fuel": 0.1}


def worth(x, y, vx, vy, angle, left, right):
    # most on the middle of the pad, slow and upright; legs on the ground help
    return -100.0 * np.hypot(x, y) - 100.0 * np.hypot(vx, vy) - 100.0 * np.abs(angle) + 10.0 * (left + right)


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
    out = next_state["crashed"] | (np.abs(next_state["x_position"]) >= 1.0)
    over = (next_state["y_position"] > 0.1) & (np.abs(next_state["x_position"]) < 0.3)
    steady = np.exp(
        -5.0 * np.hypot(next_state["x_velocity"], next_state["y_velocity"]) - 2.0 * np.abs(next_state["angle"])
    )
    return {
        "nearer": np.where(out, 0.0, after - before),
        "steady": np.where(over, steady, 0.0),
        "out": np.where(out, -1.0, 0.0),
        "fuel": np.where(action == 2, -1.0, 0.0),
    }
