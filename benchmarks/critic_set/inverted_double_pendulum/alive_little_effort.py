# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each step with the tip up pays; force costs a little."
WEIGHTS = {"alive": 1.0, "effort": 0.01}


def compute_reward(state, action, next_state, memory):
    return {
        "alive": np.where(next_state["tip_position"][:, 2] > 1.0, 1.0, 0.0),
        "effort": -np.square(action[:, 0]),
    }
