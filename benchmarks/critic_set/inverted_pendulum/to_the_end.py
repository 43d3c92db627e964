# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Being upright at the end pays, force costs a little."
WEIGHTS = {"end": 100.0, "effort": 0.01}


def compute_reward(state, action, next_state, memory):
    step = memory.get("step", np.zeros_like(next_state["pole_angle"]))
    memory["step"] = step + 1.0
    return {
        "end": np.where(step >= 998.0, 1.0, 0.0),
        "effort": -np.square(action[:, 0]),
    }
