# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each metre that the centre of mass moves forward pays."
WEIGHTS = {"forward": 25.0}


def compute_reward(state, action, next_state, memory):
    gain = next_state["mass_center"][:, 0] - state["mass_center"][:, 0]
    return {
        "forward": gain,
    }
