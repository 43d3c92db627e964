# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "What brings the lander nearer, slower and more upright pays; rest on the pad pays, a crash costs."
WEIGHTS = {"nearer": 1.0, "rest": 5.0, "out": 100.0, "fuel": 0.3}


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
    still = np.abs(next_state["x_velocity"]) + np.abs(next_state["y_velocity"]) < 0.02
    rest = (
        still
        & (np.abs(next_state["x_position"]) < 0.2)
        & (np.abs(next_state["y_position"]) < 0.02)
        & ~next_state["crashed"]
    )
    rested = memory.get("rested", np.zeros_like(before))
    memory["rested"] = rested + np.where(rest, 1.0, 0.0)
    out = next_state["crashed"] | (np.abs(next_state["x_position"]) >= 1.0)
    return {
        "nearer": np.where(out, 0.0, after - before),
        "rest": np.where(rest & (rested < 25.0), 1.0, 0.0),
        "out": np.where(out, -1.0, 0.0),
        "fuel": np.where(action == 2, -1.0, 0.0),
    }
