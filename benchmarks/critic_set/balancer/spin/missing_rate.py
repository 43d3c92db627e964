# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each step upright pays; what the turn misses of 2 rad/s costs, and so does leaving the place."
WEIGHTS = {"alive": 2.0, "missing": 0.5, "place": 1.0}


def compute_reward(state, action, next_state, memory):
    return {
        "alive": np.where(next_state["up"] > 0.7, 1.0, 0.0),
        "missing": -np.minimum(np.abs(next_state["turn_rate"] - 2.0), 3.0),
        "place": -np.linalg.norm(next_state["place"], axis=-1),
    }
