# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Forward speed pays up to 2 m/s, and so does each step upright."
WEIGHTS = {"speed": 1.0, "alive": 0.5, "lean": 1.0}


def compute_reward(state, action, next_state, memory):
    return {
        "speed": np.clip(next_state["forward_velocity"], -2.0, 2.0),
        "alive": np.where((next_state["height"] > 0.7) & (np.abs(next_state["pitch"]) < 0.2), 1.0, 0.0),
        "lean": -np.square(next_state["pitch"]),
    }
