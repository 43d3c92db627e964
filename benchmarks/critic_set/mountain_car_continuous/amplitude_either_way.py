# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Every step costs in proportion to the swing amplitude still missing (a level, never above zero), each new largest amplitude of the episode pays once, and crossing the flag ends the cost with a bonus that is larger when fast and far beyond it."
WEIGHTS = {"missing": 0.15, "record": 8.0, "flag": 6.0}
FLAG = 0.45
HILL = 0.00083333
NEEDED = 0.0016464
FULL = 1.5
TOP_SPEED = 0.07


def amplitude(position, velocity):
    middle = position - 0.5 * velocity
    energy = 0.5 * np.square(velocity) + HILL * (1.0 + np.sin(3.0 * middle))
    return np.clip(np.sqrt(np.maximum(energy / NEEDED, 0.0)), 0.0, FULL)


def compute_reward(state, action, next_state, memory):
    position = next_state["position"]
    velocity = next_state["velocity"]
    before = amplitude(state["position"], state["velocity"])
    after = amplitude(position, velocity)

    best = memory.get("best", before)
    memory["best"] = np.maximum(best, after)

    arrived = (position >= FLAG) & (state["position"] < FLAG)
    speed = np.clip(velocity / TOP_SPEED, 0.0, 1.0)
    beyond = np.clip((position - FLAG) / TOP_SPEED, 0.0, 1.0)

    return {
        "missing": after / FULL - 1.0,
        "record": np.maximum(after - best, 0.0),
        "flag": np.where(arrived, 1.0 + 0.25 * speed + 0.25 * beyond, 0.0),
    }
