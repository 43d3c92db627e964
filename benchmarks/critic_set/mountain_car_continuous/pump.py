# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Force along the motion pays, every step costs a little, the flag pays most."
WEIGHTS = {"pump": 10.0, "flag": 100.0, "time": 0.1}


def compute_reward(state, action, next_state, memory):
    arrived = np.where(next_state["position"] >= 0.45, 1.0, 0.0)
    return {
        "pump": action[:, 0] * state["velocity"],
        "flag": arrived,
        "time": -np.ones_like(arrived),
    }
