# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Turning left pays, the faster the more, and staying on the spot."
WEIGHTS = {"turn": 1.0, "stay": 0.5}


def compute_reward(state, action, next_state, memory):
    return {
        "turn": np.square(np.maximum(next_state["turn_rate"], 0.0)),
        "stay": np.exp(-np.square(np.linalg.norm(next_state["place"], axis=-1) / 0.3)),
    }
