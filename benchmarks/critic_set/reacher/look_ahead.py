# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Penalise distance and a velocity look-ahead of the distance everywhere, which teaches reaching and braking together, and pay in each step for resting precisely on the target, with small costs on joint speed and effort."
WEIGHTS = {
    "distance": 2.5,
    "lookahead": 1.5,
    "near": 0.5,
    "settled": 0.4,
    "inside": 0.2,
    "joint_speed": 0.04,
    "effort": 0.01,
}
LOOKAHEAD_TIME = 0.08
TOLERANCE = 0.03
NEAR_SCALE = 0.03
SETTLED_SCALE = 0.015
REST_SPEED = 0.5
JOINT_SPEED_SCALE = 5.0


def length(x):
    return np.sqrt(np.sum(np.square(x), axis=-1))


def soft_cost(x, scale):
    return np.sum(np.sqrt(1.0 + np.square(x / scale)) - 1.0, axis=-1)


def compute_reward(state, action, next_state, memory):
    offset = next_state["target_offset"]
    velocity = next_state["fingertip_velocity"]
    joint_velocity = next_state["joint_velocity"]

    dist = length(offset)
    speed = length(velocity)
    ahead = length(offset + LOOKAHEAD_TIME * velocity)
    rest = 1.0 / (1.0 + np.square(speed / REST_SPEED))

    return {
        "distance": -dist,
        "lookahead": -ahead,
        "near": np.exp(-dist / NEAR_SCALE),
        "settled": np.exp(-dist / SETTLED_SCALE) * rest,
        "inside": np.where(dist < TOLERANCE, 1.0, 0.0),
        "joint_speed": -soft_cost(joint_velocity, JOINT_SPEED_SCALE),
        "effort": -np.sum(np.square(action), axis=-1),
    }
