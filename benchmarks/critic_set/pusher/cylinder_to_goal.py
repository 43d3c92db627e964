# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Bring the cylinder to the goal; torque costs a little."
WEIGHTS = {"push": 1.0, "effort": 0.01}


def compute_reward(state, action, next_state, memory):
    distance = np.linalg.norm((next_state["cylinder_position"] - next_state["goal_position"])[:, 0:2], axis=-1)
    return {
        "push": -distance,
        "effort": -np.sum(np.square(action), axis=-1),
    }
