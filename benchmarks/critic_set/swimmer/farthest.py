# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each new farthest place of the centre of mass pays once."
WEIGHTS = {"farther": 25.0, "effort": 0.0005}


def compute_reward(state, action, next_state, memory):
    best = memory.get("best", state["mass_center"][:, 0])
    memory["best"] = np.maximum(best, next_state["mass_center"][:, 0])
    return {
        "farther": np.maximum(next_state["mass_center"][:, 0] - best, 0.0),
        "effort": -np.sum(np.square(action), axis=-1),
    }
