# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each step upright pays; force and speed cost."
WEIGHTS = {"alive": 0.02, "effort": 1.0, "calm": 0.01}


def compute_reward(state, action, next_state, memory):
    return {
        "alive": np.where(np.abs(next_state["pole_angle"]) <= 0.2, 1.0, 0.0),
        "effort": -np.square(action[:, 0]),
        "calm": -np.abs(next_state["cart_velocity"]),
    }
