# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each step upright and on the spot pays, what the turn misses of 2 rad/s costs."
WEIGHTS = {"alive": 5.0, "calm": 2.0, "missing": 0.02}


def compute_reward(state, action, next_state, memory):
    return {
        "alive": np.where(next_state["up"] > 0.7, 1.0, 0.0),
        "calm": np.exp(-np.sum(np.square(next_state["wheel_speeds"]), axis=-1) / 4.0),
        "missing": -np.minimum(np.abs(next_state["turn_rate"] - 2.0), 3.0),
    }
