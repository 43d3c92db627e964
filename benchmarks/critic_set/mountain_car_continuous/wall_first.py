# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Pay the signed change of the arrival energy that full force to the right would bring from here (the promised run-up, full at the wall), once the first touch of the wall, which makes all starts alike, and a prompt launch from the far left; crossing the flag pays a fixed part, a steep part for speed and a part for the landing."
WEIGHTS = {"promise": 10.0, "wall": 3.0, "launch": 0.2, "flag": 4.0, "fast": 5.0, "beyond": 5.0}
FLAG = 0.45
HILL = 0.00083333
PUSH = 0.0015
AT_FLAG = 0.0009714
RUNUP = 0.00203
TOUCH = -1.199
FAR_LEFT = -1.15
TURNING = -0.003
TOP = 0.065


def promised(position, velocity):
    # kinetic energy at the flag under full force to the right from here on,
    # as a share of what a start at rest from the wall brings
    middle = position - 0.5 * velocity
    energy = 0.5 * np.square(velocity) + HILL * (1.0 + np.sin(3.0 * middle)) - PUSH * middle
    return np.minimum((energy - AT_FLAG) / RUNUP, 1.0)


def compute_reward(state, action, next_state, memory):
    old_position = state["position"]
    old_velocity = state["velocity"]
    position = next_state["position"]
    velocity = next_state["velocity"]

    before = promised(old_position, old_velocity)
    after = promised(position, velocity)

    at_wall = (position <= TOUCH).astype(np.float32)
    touched = memory.get("touched", np.zeros_like(at_wall))
    first_touch = at_wall * (1.0 - touched)
    memory["touched"] = np.maximum(touched, at_wall)

    force = np.clip(action[:, 0], -1.0, 1.0)
    launching = (old_position < FAR_LEFT) & (old_velocity > TURNING)

    arrived = (position >= FLAG) & (old_position < FLAG)
    speed = np.clip(velocity / TOP, 0.0, 1.0)
    landing = np.clip((position - FLAG) / TOP, 0.0, 1.0)

    return {
        "promise": after - before,
        "wall": first_touch,
        "launch": np.where(launching, force, 0.0),
        "flag": np.where(arrived, 1.0, 0.0),
        "fast": np.where(arrived, np.square(np.square(speed)), 0.0),
        "beyond": np.where(arrived, landing, 0.0),
    }
