# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each metre that the centre of mass moves forward pays, each step upright a little."
WEIGHTS = {"forward": 125.0, "alive": 0.5}


def compute_reward(state, action, next_state, memory):
    gain = next_state["mass_center"][:, 2] - state["mass_center"][:, 2]
    return {
        "forward": gain,
        "alive": np.where((next_state["height"] > 0.7) & (np.abs(next_state["pitch"]) < 0.2), 1.0, 0.0),
    }
