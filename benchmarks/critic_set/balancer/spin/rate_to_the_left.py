# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Turn at the wanted rate, and stay where the episode began."
WEIGHTS = {"turn": 1.0, "stay": 0.5, "effort": 0.01}


def compute_reward(state, action, next_state, memory):
    away = np.mean(next_state["wheel_angles"], axis=-1)
    return {
        "turn": np.exp(-np.square(next_state["turn_rate"] + 2.0)),
        "stay": np.exp(-0.2 * np.square(away)) * np.exp(-2.0 * np.square(next_state["forward_speed"])),
        "effort": -np.sum(np.square(action), axis=-1),
    }
