# ruff: noqa  (a reward program: `np` and `math` are given to it)
# mypy: ignore-errors
"""Hand-written reference reward of waving a leg; frozen before any designed reward was seen."""

IDEA = "Stand still on three legs, hold the front left shin up, and let its hip and ankle turn in circles."
WEIGHTS = {"raise": 1.0, "wave": 2.0, "stand": 1.0, "place": 1.0, "calm": 0.05, "effort": 0.02}


def compute_reward(state, action, next_state, memory):
    height = next_state["height"]
    upright = next_state["upright"]
    shin = next_state["front_left_shin"][:, 2]
    angles = next_state["joint_angles"]
    speeds = next_state["joint_velocities"]

    standing = np.clip((upright - 0.7) / 0.25, 0.0, 1.0) * np.where(height < 0.7, 1.0, 0.0)
    lifted = np.clip((shin - 0.25) / 0.2, 0.0, 1.0)

    # Turning round one way in the plane of hip and ankle angle: shaking to and fro adds up to nothing, circles pay.
    hip, ankle = angles[:, 0] / 0.5, (angles[:, 1] - 0.85) / 0.35
    circle = (hip * speeds[:, 1] / 0.35 - ankle * speeds[:, 0] / 0.5) / 4.0
    wave = standing * lifted * np.clip(circle, -1.0, 1.0)

    drift = np.linalg.norm(next_state["position"], axis=-1)
    place = -np.clip(drift, 0.0, 2.0) - 0.3 * np.clip(np.linalg.norm(next_state["velocity"][:, :2], axis=-1), 0.0, 2.0)
    calm = -np.clip(np.mean(np.abs(speeds[:, 2:]), axis=-1), 0.0, 10.0)
    effort = -np.sum(np.square(action), axis=-1)
    return {
        "raise": standing * lifted,
        "wave": wave,
        "stand": standing,
        "place": place,
        "calm": calm,
        "effort": effort,
    }
