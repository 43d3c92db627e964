# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each new widest swing to either side pays once, the flag pays most."
WEIGHTS = {"wider": 10.0, "flag": 10.0}


def compute_reward(state, action, next_state, memory):
    swing = np.abs(next_state["position"] + 0.52)
    widest = memory.get("widest", np.abs(state["position"] + 0.52))
    memory["widest"] = np.maximum(widest, swing)
    return {
        "wider": np.maximum(swing - widest, 0.0),
        "flag": np.where(next_state["position"] >= 0.45, 1.0, 0.0),
    }
