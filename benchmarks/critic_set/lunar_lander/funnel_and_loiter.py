# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Height is the currency: each new low is paid once, at a price set by falling speed, drift and lean when it is crossed; signed differences of these errors answer each firing, without refund at touch; one verdict judges the first contact; new records of quiet standing and one bonus pay for rest near the centre."
WEIGHTS = {
    "low": 2.0,
    "brake": 1.5,
    "drift": 1.5,
    "lean": 1.5,
    "loiter": 0.006,
    "touch": 5.0,
    "nest": 0.08,
    "rest": 0.15,
    "settled": 7.0,
    "cut": 0.04,
    "failed": 5.0,
}
PAD = 0.2
TOUCH_FALL = 0.09
FALL_PER_HEIGHT = 0.5
FASTEST = 0.65
FUNNEL = 0.7
COURSE = 1.1
LEAN_GAIN = 0.75
MAX_LEAN = 0.4
PEAK_DECAY = 0.85
NEST_CAP = 25.0
STREAK = 10.0
LONGEST = 25.0
STILL_BESIDE = 15.0


def depth(y):
    h = np.maximum(y, 0.0)
    return h + 0.8 * (1.0 - np.exp(-h / 0.25))


def planned_fall(x, y, vx):
    h = y - FUNNEL * np.maximum(np.abs(x) + 0.2 * np.abs(vx) - 0.1, 0.0)
    base = TOUCH_FALL * np.clip(y / 0.01, 0.0, 1.0)
    slope = np.where(h > 0.0, FALL_PER_HEIGHT * h, 1.5 * h)
    return np.clip(base + slope, -0.2, FASTEST)


def fall_excess(x, y, vx, vy):
    return np.maximum(-vy - planned_fall(x, y, vx), 0.0)


def brake_error(x, y, vx, vy):
    near = np.exp(-np.maximum(y, 0.0) / 0.2)
    return np.minimum(fall_excess(x, y, vx, vy), 3.0) * (1.0 + near)


def drift_excess(x, y, vx):
    fade = np.clip(0.3 + y / 0.15, 0.3, 1.0)
    return vx + COURSE * np.clip(x, -0.6, 0.6) * fade


def drift_error(x, y, vx):
    return np.minimum(np.abs(drift_excess(x, y, vx)), 3.0)


def lean_error(x, y, vx, angle, spin):
    limit = MAX_LEAN * np.clip((y - 0.03) / 0.35, 0.1, 1.0)
    wanted = np.clip(LEAN_GAIN * drift_excess(x, y, vx), -limit, limit)
    gap = wanted - angle
    wanted_spin = np.clip(0.8 * gap, -0.4, 0.4)
    return np.minimum(np.abs(wanted_spin - spin) + 0.3 * np.abs(gap), 3.0)


def crossing_quality(x, y, vx, vy, angle, spin):
    over = fall_excess(x, y, vx, vy)
    scale = 0.05 + 0.3 * np.clip(y, 0.0, 1.0)
    q_fall = 0.7 * np.exp(-over / scale) + 0.3 * np.clip(1.0 - over / 1.2, 0.0, 1.0)
    off = drift_error(x, y, vx)
    q_drift = 0.5 * np.exp(-off / 0.15) + 0.5 * np.clip(1.0 - off / 1.2, 0.0, 1.0)
    tilt = lean_error(x, y, vx, angle, spin)
    q_lean = 0.5 * np.exp(-tilt / 0.25) + 0.5 * np.clip(1.0 - tilt / 1.5, 0.0, 1.0)
    return q_fall * (0.3 + 0.7 * q_drift) * (0.3 + 0.7 * q_lean)


def on_pad(x, y, vy, angle, left, right):
    ground = (left + right > 0.5) | (np.abs(y) < 0.008)
    return ground & (np.abs(x) < PAD) & (np.abs(y) < 0.05) & (np.abs(vy) < 0.1) & (np.abs(angle) < 0.25)


def compute_reward(state, action, next_state, memory):
    x0 = state["x_position"]
    y0 = state["y_position"]
    vx0 = state["x_velocity"]
    vy0 = state["y_velocity"]
    a0 = state["angle"]
    s0 = state["angular_velocity"]
    l0 = state["left_leg_contact"]
    r0 = state["right_leg_contact"]
    x1 = next_state["x_position"]
    y1 = next_state["y_position"]
    vx1 = next_state["x_velocity"]
    vy1 = next_state["y_velocity"]
    a1 = next_state["angle"]
    s1 = next_state["angular_velocity"]
    l1 = next_state["left_leg_contact"]
    r1 = next_state["right_leg_contact"]
    crashed = next_state["crashed"]
    zero = np.zeros_like(x1)

    pad_before = on_pad(x0, y0, vy0, a0, l0, r0)
    pad_now = on_pad(x1, y1, vy1, a1, l1, r1) & ~crashed
    legs = l1 + r1 > 0.5

    # height is bought once, at a price set by the manner of crossing it
    lowest = memory.get("lowest", y0)
    lowest_now = np.minimum(lowest, y1).astype(np.float32)
    memory["lowest"] = lowest_now
    price = crossing_quality(x1, y1, vx1, vy1, a1, s1)
    low = np.where(crashed, 0.0, (depth(lowest) - depth(lowest_now)) * price)

    # signed differences of the errors; what a touch stops is not refunded
    brake = brake_error(x0, y0, vx0, vy0) - brake_error(x1, y1, vx1, vy1)
    brake = np.where(legs | crashed, np.minimum(brake, 0.0), brake)
    drift = drift_error(x0, y0, vx0) - drift_error(x1, y1, vx1)
    drift = np.where(crashed, np.minimum(drift, 0.0), drift)
    lean = lean_error(x0, y0, vx0, a0, s0) - lean_error(x1, y1, vx1, a1, s1)
    lean = np.where(crashed, np.minimum(lean, 0.0), lean)

    # not sinking although the way down is free
    plan = planned_fall(x1, y1, vx1)
    slow = np.clip(1.0 + vy1 / (0.4 * np.maximum(plan, 0.05)), 0.0, 1.0)
    free = np.clip(plan / 0.05, 0.0, 1.0)
    loiter = np.where(pad_now | legs | crashed, 0.0, -slow * free)

    # steps in a row in which the success condition holds
    good = (
        (np.abs(x1) < PAD)
        & (np.abs(y1) < 0.02)
        & (np.abs(a1) < 0.1)
        & (np.abs(vx1) < 0.02)
        & (np.abs(vy1) < 0.02)
        & ~crashed
    )
    streak = memory.get("streak", zero)
    streak_now = np.where(good, streak + 1.0, 0.0).astype(np.float32)
    memory["streak"] = streak_now
    longest = memory.get("longest", zero)
    longest_now = np.maximum(longest, np.minimum(streak_now, LONGEST)).astype(np.float32)
    memory["longest"] = longest_now
    rest = longest_now - longest
    reached = (longest < STREAK) & (longest_now >= STREAK)
    settled = np.where(reached, 1.0 - 2.5 * np.minimum(np.abs(x1), PAD), 0.0)

    # one verdict on the first contact, from the remembered falling speed
    peak = memory.get("peak", np.maximum(-vy0, 0.0))
    speed = np.maximum(PEAK_DECAY * peak, np.maximum(np.maximum(-vy0, -vy1), 0.0)).astype(np.float32)
    memory["peak"] = speed
    judged = memory.get("judged", zero)
    contact = legs | crashed | (streak_now >= 3.0)
    first = np.where(contact & (judged < 0.5), 1.0, 0.0)
    memory["judged"] = np.maximum(judged, first).astype(np.float32)
    soft = 0.6 * np.exp(-np.maximum(speed - 0.08, 0.0) / 0.12) + 0.4 * np.clip(1.0 - speed / 1.7, 0.0, 1.0)
    level = np.exp(-np.abs(a1) / 0.4)
    place = 0.6 * np.exp(-np.abs(x1) / 0.15) + 0.4 * np.clip(1.0 - np.abs(x1) / 0.8, 0.0, 1.0)
    touch = first * soft * level * place

    # from touch to rest: new highs of a leaky count of quiet steps on the pad
    quiet = np.exp(-(np.abs(vx1) + np.abs(vy1)) / 0.1 - np.abs(a1) / 0.2 - np.abs(s1) / 0.2)
    gain = np.where(action == 0, quiet, 0.0)
    run = memory.get("run", zero)
    run_now = np.where(pad_now, np.minimum(run + gain, NEST_CAP), np.maximum(run - 2.0, 0.0)).astype(np.float32)
    memory["run"] = run_now
    top = memory.get("top", zero)
    top_now = np.maximum(top, run_now).astype(np.float32)
    memory["top"] = top_now
    nest = top_now - top

    cut = np.where(pad_before & (action != 0), -1.0, 0.0)

    # bad ends, a crash graded by its impact
    hard = np.clip(np.maximum(speed - 0.1, 0.0) / 0.5 + np.abs(a1) / 0.8, 0.0, 1.0)
    gone = (np.abs(x1) >= 1.0) & ~crashed
    still = (np.abs(x1) >= PAD) & (np.abs(vx1) + np.abs(vy1) < 0.02) & ~crashed
    beside = memory.get("beside", zero)
    beside_now = np.where(still, beside + 1.0, 0.0).astype(np.float32)
    memory["beside"] = beside_now
    rested = memory.get("rested", zero)
    rests = (beside_now >= STILL_BESIDE) & (rested < 0.5)
    memory["rested"] = np.where(rests, 1.0, rested).astype(np.float32)
    failed = -(np.where(crashed, 0.5 + 0.5 * hard, 0.0) + np.where(gone, 1.0, 0.0) + np.where(rests, 0.6, 0.0))

    return {
        "low": low,
        "brake": brake,
        "drift": drift,
        "lean": lean,
        "loiter": loiter,
        "touch": touch,
        "nest": nest,
        "rest": rest,
        "settled": settled,
        "cut": cut,
        "failed": failed,
    }
