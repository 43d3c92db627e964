# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each metre that the centre of mass moves forward pays."
WEIGHTS = {"forward": 25.0}


def compute_reward(state, action, next_state, memory):
    gain = state["mass_center"][:, 0] - next_state["mass_center"][:, 0]
    return {
        "forward": gain,
    }
