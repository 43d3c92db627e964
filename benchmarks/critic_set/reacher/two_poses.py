# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Pay the signed decrease of the closed-form minimum time (bounded torque, double integrator) that shoulder and elbow need to come to rest in the nearer of the arm poses that reach the target, so launching, turning and braking are credited in their own step; distance and log precision cost in each step, and being well inside the tolerance before and after a step pays."
WEIGHTS = {"time_gain": 0.25, "distance": 2.0, "precision": 0.2, "held": 0.4}
STEP_TIME = 0.02
TORQUE_ACCEL = 140.0
MAX_BEND = 2.98
PRECISION_SCALE = 0.01
HOLD_RADIUS = 0.022


def length(x):
    return np.sqrt(np.sum(np.square(x), axis=-1))


def wrap(angle):
    return np.remainder(angle + np.pi, 2.0 * np.pi) - np.pi


def rest_steps(error, speed):
    # least time, in steps, to bring error and speed to zero with a bounded acceleration
    stop_error = error + speed * np.abs(speed) / (2.0 * TORQUE_ACCEL)
    side = np.where(stop_error >= 0.0, 1.0, -1.0)
    root = np.sqrt(np.maximum(0.5 * np.square(speed) + side * TORQUE_ACCEL * error, 0.0))
    steps = (side * speed + 2.0 * root) / (TORQUE_ACCEL * STEP_TIME)
    # rounded off below about one step
    return np.sqrt(1.0 + np.square(steps)) - 1.0


def turn_steps(error, speed):
    # the shoulder may go either way round
    short = wrap(error)
    other = short - 2.0 * np.pi * np.where(short >= 0.0, 1.0, -1.0)
    return np.minimum(rest_steps(short, speed), rest_steps(other, speed))


def arm_steps(target, elbow, fingertip, angle, speed):
    upper = np.maximum(length(elbow), 0.0001)
    fore = np.maximum(length(fingertip - elbow), 0.0001)
    reach_sq = np.sum(np.square(target), axis=-1)
    cos_bend = (reach_sq - np.square(upper) - np.square(fore)) / (2.0 * upper * fore)
    bend = np.minimum(np.arccos(np.clip(cos_bend, -1.0, 1.0)), MAX_BEND)
    lead = np.arctan2(fore * np.sin(bend), upper + fore * np.cos(bend))
    direction = np.arctan2(target[:, 1], target[:, 0])
    plus = turn_steps(angle[:, 0] - (direction - lead), speed[:, 0]) + rest_steps(angle[:, 1] - bend, speed[:, 1])
    minus = turn_steps(angle[:, 0] - (direction + lead), speed[:, 0]) + rest_steps(angle[:, 1] + bend, speed[:, 1])
    return np.minimum(plus, minus)


def compute_reward(state, action, next_state, memory):
    before = arm_steps(
        state["target"], state["elbow"], state["fingertip"], state["joint_angle"], state["joint_velocity"]
    )
    after = arm_steps(
        next_state["target"],
        next_state["elbow"],
        next_state["fingertip"],
        next_state["joint_angle"],
        next_state["joint_velocity"],
    )
    dist_before = length(state["target_offset"])
    dist = length(next_state["target_offset"])
    worse = np.maximum(dist_before, dist)
    return {
        "time_gain": before - after,
        "distance": -dist,
        "precision": -np.log1p(dist / PRECISION_SCALE),
        "held": 1.0 / (1.0 + np.square(np.square(worse / HOLD_RADIUS))),
    }
