# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Every new best of the forward turn pays once; standing tall pays in each step, high up most."
WEIGHTS = {"turn": 0.2, "tall": 5.0, "overturn": 1.0, "effort": 0.01}


def compute_reward(state, action, next_state, memory):
    full = 2.0 * math.pi
    pitch = next_state["pitch_forward"]
    height = next_state["height"]
    reached = np.clip(pitch, 0.0, full)
    best = memory.get("best", np.clip(state["pitch_forward"], 0.0, full))
    turn = np.maximum(reached - best, 0.0)
    memory["best"] = np.maximum(best, reached)
    tall = np.maximum(next_state["upright"], 0.0) * np.clip(height - 0.5, 0.0, 0.7)
    overturn = -np.clip(pitch - full - 0.3, 0.0, 3.0) - np.clip(-0.3 - pitch, 0.0, 3.0)
    return {
        "turn": turn,
        "tall": tall,
        "overturn": overturn,
        "effort": -np.sum(np.square(action), axis=-1),
    }
