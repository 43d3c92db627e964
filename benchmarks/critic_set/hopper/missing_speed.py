# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "What is missing to 4 m/s costs in each step."
WEIGHTS = {"missing": 1.0, "lean": 1.0}


def compute_reward(state, action, next_state, memory):
    return {
        "missing": -np.abs(4.0 - next_state["forward_velocity"]),
        "lean": -np.square(next_state["pitch"]),
    }
