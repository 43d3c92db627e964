# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Signed differences of potentials steer tilt, drift and a height-dependent falling rate towards a soft touch on the pad; standing still there pays a capped amount and a single bonus, and crashes and leaving the picture cost more than waiting."
WEIGHTS = {
    "place": 1.5,
    "drift": 1.5,
    "descent": 2.0,
    "attitude": 2.5,
    "stand": 1.0,
    "ground": 0.05,
    "failed": 3.0,
    "air": 0.003,
}

PAD = 0.2
COURSE = 0.7
MAX_TILT = 0.4
REST_CAP = 20.0
STREAK = 10.0


def place_potential(x, y):
    return -np.sqrt(np.square(x) + np.square(y))


def drift_potential(x, vx):
    return -np.abs(COURSE * x + vx)


def descent_potential(x, y, vy):
    # height above a cone around the pad: sink slowly while still beside it
    h = np.maximum(y - 0.5 * np.maximum(np.abs(x) - 0.1, 0.0), 0.0)
    fall = -vy
    fastest = 0.10 + 0.5 * h
    slowest = np.minimum(3.0 * h, 0.06 + 0.35 * h)
    over = np.maximum(fall - fastest, 0.0)
    under = np.maximum(slowest - fall, 0.0)
    near_ground = np.exp(-np.maximum(y, 0.0) / 0.2)
    return -(over * (1.0 + near_ground) + under)


def attitude_potential(x, y, vx, angle, spin):
    # positive x or x_velocity asks for a positive tilt (to the left)
    limit = MAX_TILT * np.clip(y / 0.4, 0.0, 1.0)
    wanted = np.clip(COURSE * x + vx, -limit, limit)
    error = wanted - angle
    return -(np.abs(0.5 * error - spin) + 0.3 * np.abs(error))


def legs_potential(x, left, right):
    return np.where(np.abs(x) < PAD, left + right, 0.0)


def compute_reward(state, action, next_state, memory):
    x0, y0 = state["x_position"], state["y_position"]
    vx0, vy0 = state["x_velocity"], state["y_velocity"]
    a0, s0 = state["angle"], state["angular_velocity"]
    l0, r0 = state["left_leg_contact"], state["right_leg_contact"]

    x1, y1 = next_state["x_position"], next_state["y_position"]
    vx1, vy1 = next_state["x_velocity"], next_state["y_velocity"]
    a1, s1 = next_state["angle"], next_state["angular_velocity"]
    l1, r1 = next_state["left_leg_contact"], next_state["right_leg_contact"]
    crashed = next_state["crashed"]

    # signed differences of the potentials
    place = place_potential(x1, y1) - place_potential(x0, y0)
    drift = drift_potential(x1, vx1) - drift_potential(x0, vx0)
    descent = descent_potential(x1, y1, vy1) - descent_potential(x0, y0, vy0)
    attitude = attitude_potential(x1, y1, vx1, a1, s1) - attitude_potential(x0, y0, vx0, a0, s0)
    legs = legs_potential(x1, l1, r1) - legs_potential(x0, l0, r0)

    # the sudden stop of a crash must not pay
    place = np.where(crashed, np.minimum(place, 0.0), place)
    drift = np.where(crashed, np.minimum(drift, 0.0), drift)
    descent = np.where(crashed, np.minimum(descent, 0.0), descent)
    attitude = np.where(crashed, np.minimum(attitude, 0.0), attitude)
    legs = np.where(crashed, np.minimum(legs, 0.0), legs)

    # standing on the pad: capped pay, and one bonus for 10 steps in a row
    good = (
        (np.abs(x1) < PAD)
        & (np.abs(y1) < 0.02)
        & (np.abs(a1) < 0.1)
        & (np.abs(vx1) < 0.02)
        & (np.abs(vy1) < 0.02)
        & (~crashed)
    )
    good_f = good.astype(np.float32)
    zero = np.zeros_like(x1)

    count = memory.get("count", zero)
    rest = np.where(count < REST_CAP, good_f, 0.0)
    memory["count"] = (count + good_f).astype(np.float32)

    streak = memory.get("streak", zero)
    streak_now = ((streak + 1.0) * good_f).astype(np.float32)
    memory["streak"] = streak_now

    paid = memory.get("paid", zero)
    reached = ((streak_now >= STREAK) & (paid < 0.5)).astype(np.float32)
    memory["paid"] = np.maximum(paid, reached).astype(np.float32)

    stand = 0.5 * legs + 0.2 * rest + 6.0 * reached * (1.0 - np.minimum(np.abs(x1), 1.0))

    # engines while standing on the pad, and standing beside the pad
    fired = action != 0
    standing = (np.abs(x0) < PAD) & (np.abs(y0) < 0.03) & (np.abs(vy0) < 0.06) & (np.abs(a0) < 0.15)
    needless = np.where(fired & standing, 1.0, 0.0)
    beside = np.where((np.abs(x1) >= PAD) & ((l1 + r1) > 0.5), 1.0, 0.0)
    ground = -(needless + beside)

    # failures, a crash graded by the recent falling speed
    peak = memory.get("peak", np.maximum(-vy0, 0.0))
    peak_now = np.maximum(0.9 * peak, np.maximum(-vy1, 0.0)).astype(np.float32)
    memory["peak"] = peak_now
    crash_cost = np.where(crashed, 1.0 + 0.5 * np.minimum(peak_now, 3.0), 0.0)
    gone_cost = np.where((np.abs(x1) >= 1.0) & (~crashed), 2.0, 0.0)
    failed = -(crash_cost + gone_cost)

    air = -np.where(y1 > 0.03, 1.0, 0.0)

    return {
        "place": place,
        "drift": drift,
        "descent": descent,
        "attitude": attitude,
        "stand": stand,
        "ground": ground,
        "failed": failed,
        "air": air,
    }
