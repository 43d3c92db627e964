# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "The distance backward pays in each step, brought to between -1 and 1."
WEIGHTS = {"distance": 1.0, "effort": 0.02}


def compute_reward(state, action, next_state, memory):
    return {
        "distance": np.tanh(-10.0 * next_state["x_position"]),
        "effort": -np.sum(np.square(action), axis=-1),
    }
