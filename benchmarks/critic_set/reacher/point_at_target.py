# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Point at the target, with little torque."
WEIGHTS = {"aim": 1.0, "effort": 0.02}


def compute_reward(state, action, next_state, memory):
    tip, goal = next_state["fingertip"], next_state["target"]
    sizes = np.linalg.norm(tip, axis=-1) * np.linalg.norm(goal, axis=-1)
    return {
        "aim": np.sum(tip * goal, axis=-1) / np.maximum(sizes, 1e-6),
        "effort": -np.sum(np.square(action), axis=-1),
    }
