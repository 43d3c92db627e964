# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Every bit to the right pays, every bit to the left costs more, the flag pays most."
WEIGHTS = {"right": 10.0, "retreat": 40.0, "flag": 10.0}


def compute_reward(state, action, next_state, memory):
    gain = next_state["position"] - state["position"]
    return {
        "right": gain,
        "retreat": -np.maximum(-gain, 0.0),
        "flag": np.where(next_state["position"] >= 0.45, 1.0, 0.0),
    }
