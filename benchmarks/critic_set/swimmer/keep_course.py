# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Swim forward on a straight course."
WEIGHTS = {"speed": 0.1, "course": 10.0}


def compute_reward(state, action, next_state, memory):
    return {
        "speed": next_state["forward_velocity"],
        "course": np.exp(-np.square(next_state["heading"] / 0.05) - np.square(next_state["heading_velocity"] / 0.2)),
    }
