# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Energy gained in its own small unit, and the flag."
WEIGHTS = {"swing": 20000.0, "flag": 50.0, "effort": 0.05}


def compute_reward(state, action, next_state, memory):
    before = 0.5 * np.square(state["velocity"]) + 0.00083333 * np.sin(3.0 * state["position"])
    after = 0.5 * np.square(next_state["velocity"]) + 0.00083333 * np.sin(3.0 * next_state["position"])
    return {
        "swing": after - before,
        "flag": np.where(next_state["position"] >= 0.45, 1.0, 0.0),
        "effort": -np.square(action[:, 0]),
    }
