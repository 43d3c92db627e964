# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each metre that the torso moves forward pays."
WEIGHTS = {"forward": 20.0, "effort": 0.05}


def compute_reward(state, action, next_state, memory):
    gain = next_state["torso_position"][:, 2] - state["torso_position"][:, 2]
    return {
        "forward": gain,
        "effort": -np.sum(np.square(action), axis=-1),
    }
