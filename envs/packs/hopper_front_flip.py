# ruff: noqa  (a reward program: `np` and `math` are given to it)
# mypy: ignore-errors
"""Hand-written reference reward of the front flip; frozen before any designed reward was seen."""

IDEA = (
    "Every new best of the forward turn pays once; height pays while turning; standing after one full turn pays most."
)
WEIGHTS = {"turn": 5.0, "jump": 1.0, "stand": 2.0, "overturn": 1.0, "effort": 0.01}


def compute_reward(state, action, next_state, memory):
    full = 2.0 * math.pi
    pitch = next_state["pitch_forward"]
    height = next_state["height"]

    # A new best pays once, so that neither rocking nor spinning on earns anything.
    reached = np.clip(pitch, 0.0, full)
    best = memory.get("best", np.clip(state["pitch_forward"], 0.0, full))
    turn = np.maximum(reached - best, 0.0)
    memory["best"] = np.maximum(best, reached)

    turning = np.where((pitch > 0.3) & (pitch < full - 0.3), 1.0, 0.0)
    jump = turning * np.clip(height - 0.9, 0.0, 0.6)
    missing = np.abs(pitch - full)
    stand = np.where(missing < 0.6, (1.0 - missing / 0.6) * np.clip(height - 0.5, 0.0, 0.7), 0.0)
    overturn = -np.clip(pitch - full - 0.3, 0.0, 3.0) - np.clip(-0.3 - pitch, 0.0, 3.0)
    effort = -np.sum(np.square(action), axis=-1)
    return {"turn": turn, "jump": jump, "stand": stand, "overturn": overturn, "effort": effort}
