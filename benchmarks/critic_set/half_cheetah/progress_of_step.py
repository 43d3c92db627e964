# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each metre forward pays, each metre back costs the same."
WEIGHTS = {"forward": 20.0, "effort": 0.05}


def compute_reward(state, action, next_state, memory):
    gain = state["x_position"] - next_state["x_position"]
    return {
        "forward": gain,
        "effort": -np.sum(np.square(action), axis=-1),
    }
