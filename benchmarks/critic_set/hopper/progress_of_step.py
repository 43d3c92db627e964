# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each metre forward pays, each step upright a little."
WEIGHTS = {"forward": 125.0, "alive": 0.5}


def compute_reward(state, action, next_state, memory):
    gain = state["x_position"] - next_state["x_position"]
    return {
        "forward": gain,
        "alive": np.where((next_state["height"] > 0.7) & (np.abs(next_state["pitch"]) < 0.2), 1.0, 0.0),
    }
