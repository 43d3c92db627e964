# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each new farthest place pays once."
WEIGHTS = {"farther": 20.0, "effort": 0.02}


def compute_reward(state, action, next_state, memory):
    best = memory.get("best", state["x_position"])
    memory["best"] = np.maximum(best, next_state["x_position"])
    return {
        "farther": np.maximum(next_state["x_position"] - best, 0.0),
        "effort": -np.sum(np.square(action), axis=-1),
    }
