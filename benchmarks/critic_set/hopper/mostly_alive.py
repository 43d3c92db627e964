# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each step upright pays, and so does forward speed."
WEIGHTS = {"alive": 5.0, "speed": 0.02, "effort": 0.001}


def compute_reward(state, action, next_state, memory):
    return {
        "alive": np.where((next_state["height"] > 0.7) & (np.abs(next_state["pitch"]) < 0.2), 1.0, 0.0),
        "speed": next_state["forward_velocity"],
        "effort": -np.sum(np.square(action), axis=-1),
    }
