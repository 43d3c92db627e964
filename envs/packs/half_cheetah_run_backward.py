# ruff: noqa  (a reward program: `np` and `math` are given to it)
# mypy: ignore-errors
"""Hand-written reference reward of running backward; frozen before any designed reward was seen."""

IDEA = "Speed towards -x pays; lying on the back costs, and so do large torques, a little."
WEIGHTS = {"speed": 1.0, "upright": 0.5, "effort": 0.1}


def compute_reward(state, action, next_state, memory):
    speed = -next_state["forward_velocity"]
    # Only past the vertical: leaning while running is free.
    upright = np.minimum(next_state["upright"], 0.0)
    effort = -np.sum(np.square(action), axis=-1)
    return {"speed": speed, "upright": upright, "effort": effort}
