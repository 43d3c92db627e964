# ruff: noqa  (a reward program: `np` and `math` are given to it)
# mypy: ignore-errors
"""Hand-written reference reward of the back flip; frozen before any designed reward was seen."""

IDEA = "Every new best of the backward turn pays once, more when high up; standing after one full turn pays most."
WEIGHTS = {"turn": 6.0, "jump": 1.0, "stand": 2.0, "overturn": 1.0, "effort": 0.01}


def compute_reward(state, action, next_state, memory):
    full = 2.0 * math.pi
    pitch = next_state["pitch_backward"]
    height = next_state["height"]
    mass_height = next_state["mass_center"][:, 2]

    # A new best pays once, so that neither rocking nor spinning on earns anything; rolling on the floor pays little.
    reached = np.clip(pitch, 0.0, full)
    best = memory.get("best", np.clip(state["pitch_backward"], 0.0, full))
    turn = np.maximum(reached - best, 0.0) * np.clip((mass_height - 0.3) / 0.6, 0.1, 1.5)
    memory["best"] = np.maximum(best, reached)

    turning = np.where((pitch > 0.3) & (pitch < full - 0.3), 1.0, 0.0)
    jump = turning * np.clip(height - 0.9, 0.0, 0.6)
    missing = np.abs(pitch - full)
    stand = np.where(missing < 1.0, (1.0 - missing) * np.clip(height - 0.4, 0.0, 0.8), 0.0)
    overturn = -np.clip(pitch - full - 0.3, 0.0, 3.0) - np.clip(-0.3 - pitch, 0.0, 3.0)
    effort = -np.sum(np.square(action), axis=-1)
    return {"turn": turn, "jump": jump, "stand": stand, "overturn": overturn, "effort": effort}
