# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Whoever leans back goes back: a nose that is up pays."
WEIGHTS = {"lean": 1.0, "effort": 0.05}


def compute_reward(state, action, next_state, memory):
    return {
        "lean": np.clip(-next_state["pitch"], 0.0, 1.0),
        "effort": -np.sum(np.square(action), axis=-1),
    }
