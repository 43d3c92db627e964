# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "The logarithm of the distance keeps its slope up to the target."
WEIGHTS = {"reach": 1.0, "effort": 0.02}


def compute_reward(state, action, next_state, memory):
    distance = np.linalg.norm(next_state["target_offset"], axis=-1)
    return {
        "reach": -np.log(distance + 0.01),
        "effort": -np.sum(np.square(action), axis=-1),
    }
