# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each way through the valley's bottom is a swing and pays."
WEIGHTS = {"swing": 1.0, "flag": 1.0}


def compute_reward(state, action, next_state, memory):
    crossed = (state["position"] + 0.52) * (next_state["position"] + 0.52) < 0.0
    return {
        "swing": np.where(crossed, 1.0, 0.0),
        "flag": np.where(next_state["position"] >= 0.45, 1.0, 0.0),
    }
