# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Close the distance; near the cylinder each centimetre counts more."
WEIGHTS = {"reach": 1.0, "near": 1.0}


def compute_reward(state, action, next_state, memory):
    distance = np.linalg.norm(next_state["cylinder_position"] - next_state["hand_position"], axis=-1)
    return {
        "reach": -distance,
        "near": np.exp(-np.square(distance / 0.15)),
    }
