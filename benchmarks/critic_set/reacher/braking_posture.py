# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each joint is paid to follow a braking-speed law (wanted speed as a function of remaining angle, zero at the goal) towards one fixed, always positively bent pose per target, so every torque is judged at once and there is no choice between two poses; distance, root-distance and an in-tolerance margin pay for precise holding."
WEIGHTS = {
    "shoulder_pace": 0.4,
    "elbow_pace": 0.3,
    "distance": 1.5,
    "root_distance": 0.4,
    "margin": 0.3,
    "effort": 0.01,
}
SETTLE_TIME = 0.05
BRAKE_ANGLE = 0.5
PACE_SCALE = 10.0
MAX_BEND = 2.98
DISTANCE_SCALE = 0.2
TOLERANCE = 0.03
FULL_PAY = 0.02


def length(x):
    return np.sqrt(np.sum(np.square(x), axis=-1))


def wrap(angle):
    return np.remainder(angle + np.pi, 2.0 * np.pi) - np.pi


def wanted_speed(remaining):
    return remaining / SETTLE_TIME / np.sqrt(1.0 + np.abs(remaining) / BRAKE_ANGLE)


def compute_reward(state, action, next_state, memory):
    target = next_state["target"]
    elbow = next_state["elbow"]
    fingertip = next_state["fingertip"]
    angle = next_state["joint_angle"]
    speed = next_state["joint_velocity"]
    dist = length(next_state["target_offset"])

    # the one pose for this target: elbow bent to the positive side
    upper = np.maximum(length(elbow), 0.0001)
    fore = np.maximum(length(fingertip - elbow), 0.0001)
    reach_sq = np.sum(np.square(target), axis=-1)
    cos_bend = (reach_sq - np.square(upper) - np.square(fore)) / (2.0 * upper * fore)
    bend = np.minimum(np.arccos(np.clip(cos_bend, -1.0, 1.0)), MAX_BEND)
    lead = np.arctan2(fore * np.sin(bend), upper + fore * np.cos(bend))
    direction = np.arctan2(target[:, 1], target[:, 0])

    # remaining angles: the shoulder turns freely, the elbow is not wrapped
    shoulder_left = wrap(direction - lead - angle[:, 0])
    elbow_left = bend - angle[:, 1]

    shoulder_gap = np.abs(speed[:, 0] - wanted_speed(shoulder_left))
    elbow_gap = np.abs(speed[:, 1] - wanted_speed(elbow_left))

    return {
        "shoulder_pace": -shoulder_gap / PACE_SCALE,
        "elbow_pace": -elbow_gap / PACE_SCALE,
        "distance": -dist,
        "root_distance": -np.sqrt(dist / DISTANCE_SCALE),
        "margin": np.clip((TOLERANCE - dist) / (TOLERANCE - FULL_PAY), 0.0, 1.0),
        "effort": -np.sum(np.square(action), axis=-1),
    }
