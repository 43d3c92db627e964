# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each step upright pays, what the speed misses of 0.6 m/s costs."
WEIGHTS = {"alive": 1.5, "missing": 1.0}


def compute_reward(state, action, next_state, memory):
    return {
        "alive": np.where(next_state["up"] > 0.7, 1.0, 0.0),
        "missing": -np.abs(next_state["forward_speed"] - 0.6),
    }
