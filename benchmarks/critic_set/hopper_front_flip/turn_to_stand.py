# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Every new best of the turn pays once; standing after one full turn pays most."
WEIGHTS = {"turn": 5.0, "stand": 2.0, "effort": 0.01}


def compute_reward(state, action, next_state, memory):
    full = 2.0 * math.pi
    reached = np.clip(-next_state["pitch_forward"], 0.0, full)
    best = memory.get("best", np.clip(-state["pitch_forward"], 0.0, full))
    turn = np.maximum(reached - best, 0.0)
    memory["best"] = np.maximum(best, reached)
    missing = np.abs(-next_state["pitch_forward"] - full)
    return {
        "turn": turn,
        "stand": np.where(missing < 0.6, (1.0 - missing / 0.6) * np.clip(next_state["height"] - 0.5, 0.0, 0.7), 0.0),
        "effort": -np.sum(np.square(action), axis=-1),
    }
