# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Pay the signed change of the swing's amplitude (square root of the normalised mechanical energy), so that every push along the velocity earns at once at any swing size, and one bonus for passing the flag, slightly larger further past it."
WEIGHTS = {"swing": 10.0, "flag": 8.0}

FLAG = 0.45
HILL = 0.00083333
NEEDED = 0.0016464
PAST = 0.07


def amplitude(position, velocity):
    # 0 at rest in the valley, 1 with just the energy to stand at the flag
    middle = position - 0.5 * velocity
    energy = 0.5 * np.square(velocity) + HILL * (1.0 + np.sin(3.0 * middle))
    return np.sqrt(np.maximum(energy / NEEDED, 0.0))


def compute_reward(state, action, next_state, memory):
    before = amplitude(state["position"], state["velocity"])
    after = amplitude(next_state["position"], next_state["velocity"])
    position = next_state["position"]
    arrived = (position >= FLAG) & (state["position"] < FLAG)
    beyond = np.clip((position - FLAG) / PAST, 0.0, 1.0)
    return {
        "swing": after - before,
        "flag": np.where(arrived, 1.0 + 0.25 * beyond, 0.0),
    }
