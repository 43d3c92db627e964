# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "The distance pays in each step, brought to between -1 and 1."
WEIGHTS = {"distance": 1.0, "effort": 0.001}


def compute_reward(state, action, next_state, memory):
    return {
        "distance": np.tanh(20.0 * next_state["mass_center"][:, 0]),
        "effort": -np.sum(np.square(action), axis=-1),
    }
