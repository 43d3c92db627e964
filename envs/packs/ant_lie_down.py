# ruff: noqa  (a reward program: `np` and `math` are given to it)
# mypy: ignore-errors
"""Hand-written reference reward of lying down on the back; frozen before any designed reward was seen."""

IDEA = "Every new best of turning over pays once; lying on the back pays in each step, more when the legs are quiet."
WEIGHTS = {"tip": 20.0, "over": 1.0, "back": 2.0, "still": 2.0, "relaxed": 1.0}


def compute_reward(state, action, next_state, memory):
    # The angle, not the cosine: that one hardly changes while the first leg leaves the floor.
    tilt = np.arccos(np.clip(next_state["upright"], -1.0, 1.0)) / math.pi
    start = np.arccos(np.clip(state["upright"], -1.0, 1.0)) / math.pi

    # A new best pays once, so that rocking earns nothing.
    best = memory.get("best", start)
    tip = np.maximum(tilt - best, 0.0)
    memory["best"] = np.maximum(best, tilt)

    on_back = np.clip((tilt - 0.6) / 0.2, 0.0, 1.0) * np.clip((0.6 - next_state["height"]) / 0.3, 0.0, 1.0)
    # Two scales: the wide one leads to rest from any speed, the narrow one rewards rest itself.
    speed = np.mean(np.abs(next_state["joint_velocities"]), axis=-1)
    still = on_back * (0.5 / (1.0 + speed / 3.0) + 0.5 / (1.0 + np.square(speed / 0.5)))
    relaxed = on_back * (1.0 - np.mean(np.square(action), axis=-1))
    return {"tip": tip, "over": tilt - 1.0, "back": on_back, "still": still, "relaxed": relaxed}
