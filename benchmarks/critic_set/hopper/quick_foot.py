# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "A quick foot makes a quick hopper; each step upright pays a little."
WEIGHTS = {"foot": 1.0, "alive": 0.2}


def compute_reward(state, action, next_state, memory):
    return {
        "foot": np.abs(next_state["joint_velocities"][:, 2]),
        "alive": np.where((next_state["height"] > 0.7) & (np.abs(next_state["pitch"]) < 0.2), 1.0, 0.0),
    }
