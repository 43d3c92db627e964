# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "The nearer the speed to 0.6 m/s the better; leaning, turning and torque cost a little."
WEIGHTS = {"speed": 2.0, "lean": 0.5, "turn": 0.02, "effort": 0.02}


def compute_reward(state, action, next_state, memory):
    return {
        "speed": np.exp(-np.square((next_state["forward_speed"] - 0.6) / 0.4)),
        "lean": -np.square(next_state["lean"]),
        "turn": -np.abs(next_state["turn_rate"]),
        "effort": -np.sum(np.square(action), axis=-1),
    }
