# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each step costs less the more the force goes along the car's motion (never above zero, so nothing can be farmed), and crossing the flag pays once, more when fast and far beyond it."
WEIGHTS = {"push": 0.1, "flag": 4.0, "past": 5.0}
FLAG = 0.45
GRAVITY = 0.0025
SLOW = 0.004
FAST = 0.03
TOP_SPEED = 0.07


def direction(position, velocity):
    # velocity the car would have after this step without its motor
    rolling = velocity - GRAVITY * np.cos(3.0 * position)
    return 0.5 * np.tanh(rolling / SLOW) + 0.5 * np.tanh(rolling / FAST)


def compute_reward(state, action, next_state, memory):
    force = np.clip(action[:, 0], -1.0, 1.0)
    along = force * direction(state["position"], state["velocity"])

    position = next_state["position"]
    arrived = (position >= FLAG) & (state["position"] < FLAG)
    speed = np.clip(next_state["velocity"] / TOP_SPEED, 0.0, 1.0)
    beyond = np.clip((position - FLAG) / TOP_SPEED, 0.0, 1.0)

    return {
        "push": along - 1.0,
        "flag": np.where(arrived, 1.0, 0.0),
        "past": np.where(arrived, 0.5 * speed + 0.5 * beyond, 0.0),
    }
