# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Forward speed pays, being on the back costs."
WEIGHTS = {"speed": 1.0, "upright": 0.5, "effort": 0.05}


def compute_reward(state, action, next_state, memory):
    return {
        "speed": next_state["forward_velocity"],
        "upright": np.minimum(next_state["upright"], 0.0),
        "effort": -np.sum(np.square(action), axis=-1),
    }
