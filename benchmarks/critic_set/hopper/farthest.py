# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each new farthest place pays once, each step upright a little."
WEIGHTS = {"farther": 125.0, "alive": 0.3}


def compute_reward(state, action, next_state, memory):
    best = memory.get("best", state["x_position"])
    memory["best"] = np.maximum(best, next_state["x_position"])
    return {
        "farther": np.maximum(next_state["x_position"] - best, 0.0),
        "alive": np.where((next_state["height"] > 0.7) & (np.abs(next_state["pitch"]) < 0.2), 1.0, 0.0),
    }
