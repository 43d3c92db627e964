# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "The wider the swing the better, the flag is best."
WEIGHTS = {"swing": 1.0, "flag": 10.0}


def compute_reward(state, action, next_state, memory):
    return {
        "swing": np.abs(next_state["position"]),
        "flag": np.where(next_state["position"] >= 0.45, 1.0, 0.0),
    }
