# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each step in the air pays how well the motion matches a flight plan (sinking speed, critically damped course, tilt), centred so that hovering earns next to nothing; the first contact gets one verdict on impact speed, level and place, graded right to the centre; standing still pays up to caps that one clean rest fills, so firing on the pad never pays."
WEIGHTS = {
    "fall": 0.05,
    "course": 0.025,
    "tilt": 0.025,
    "verdict": 5.0,
    "calm": 0.075,
    "stand": 0.175,
    "settled": 6.0,
    "cut": 0.04,
    "failed": 5.0,
}
PAD = 0.2
CENTRE = 0.6
TOUCH_FALL = 0.09
FALL_PER_HEIGHT = 0.5
FASTEST = 0.6
COURSE = 1.0
MAX_LEAN = 0.4
PEAK_DECAY = 0.8
CALM_CAP = 20.0
STAND_CAP = 20.0
STREAK = 10.0
STILL_BESIDE = 15.0


def planned_fall(x, y):
    h = y - 0.6 * np.maximum(np.abs(x) - 0.1, 0.0)
    touch = TOUCH_FALL * np.clip(y / 0.01, 0.0, 1.0)
    return np.clip(touch + FALL_PER_HEIGHT * h, -0.2, FASTEST)


def fall_quality(x, y, vy):
    error = np.abs(-vy - planned_fall(x, y))
    scale = 0.05 + 0.3 * np.clip(y, 0.0, 1.0)
    return 0.7 * np.exp(-error / scale) + 0.3 * np.clip(1.0 - error / 1.2, 0.0, 1.0)


def course_quality(x, vx):
    error = np.abs(vx + COURSE * x)
    return 0.5 * np.exp(-error / 0.1) + 0.5 * np.clip(1.0 - error / 1.2, 0.0, 1.0)


def tilt_quality(x, y, vx, angle, spin):
    limit = MAX_LEAN * np.clip(y / 0.4, 0.1, 1.0)
    wanted = np.clip(COURSE * x + vx, -limit, limit)
    wanted_spin = np.clip(0.8 * (wanted - angle), -0.4, 0.4)
    error = np.abs(wanted_spin - spin) + 0.2 * np.abs(wanted - angle)
    return 0.5 * np.exp(-error / 0.15) + 0.5 * np.clip(1.0 - error / 1.5, 0.0, 1.0)


def on_pad(x, y, vy, angle, left, right):
    ground = (left + right > 0.5) | (np.abs(y) < 0.008)
    return ground & (np.abs(x) < PAD) & (np.abs(y) < 0.05) & (np.abs(vy) < 0.1) & (np.abs(angle) < 0.25)


def compute_reward(state, action, next_state, memory):
    x0 = state["x_position"]
    y0 = state["y_position"]
    vy0 = state["y_velocity"]
    a0 = state["angle"]
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
    flying = ~pad_now & ~crashed
    fall = np.where(flying, fall_quality(x1, y1, vy1) - CENTRE, 0.0)
    course = np.where(flying, course_quality(x1, vx1) - CENTRE, 0.0)
    tilt = np.where(flying, tilt_quality(x1, y1, vx1, a1, s1) - CENTRE, 0.0)
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
    stood = memory.get("stood", zero)
    stand = np.where(good & (stood < STAND_CAP), np.minimum(streak_now, STREAK) / STREAK, 0.0)
    memory["stood"] = (stood + stand).astype(np.float32)
    peak = memory.get("peak", np.maximum(-vy0, 0.0))
    speed = np.maximum(PEAK_DECAY * peak, np.maximum(np.maximum(-vy0, -vy1), 0.0)).astype(np.float32)
    memory["peak"] = speed
    judged = memory.get("judged", zero)
    contact = (l1 + r1 > 0.5) | crashed | (streak_now >= 3.0)
    first = np.where(contact & (judged < 0.5), 1.0, 0.0)
    memory["judged"] = np.maximum(judged, first).astype(np.float32)
    soft = 0.6 * np.exp(-np.maximum(speed - 0.08, 0.0) / 0.12) + 0.4 * np.clip(1.0 - speed / 1.7, 0.0, 1.0)
    level = np.exp(-np.abs(a1) / 0.4)
    place = 0.5 * np.exp(-np.abs(x1) / 0.15) + 0.5 * np.clip(1.0 - np.abs(x1), 0.0, 1.0)
    verdict = first * soft * level * place
    calmed = memory.get("calmed", zero)
    stillness = np.exp(-(np.abs(vx1) + np.abs(vy1)) / 0.1 - np.abs(a1) / 0.2 - np.abs(s1) / 0.2)
    calm = np.where(pad_now & (action == 0) & (calmed < CALM_CAP), stillness, 0.0)
    memory["calmed"] = (calmed + calm).astype(np.float32)
    paid = memory.get("paid", zero)
    reached = (streak_now >= STREAK) & (paid < 0.5)
    memory["paid"] = np.where(reached, 1.0, paid).astype(np.float32)
    settled = np.where(reached, 1.0 - 2.0 * np.minimum(np.abs(x1), PAD), 0.0)
    cut = np.where(pad_before & (action != 0), -1.0, 0.0)
    gone = (np.abs(x1) >= 1.0) & ~crashed
    still = (np.abs(x1) >= PAD) & (np.abs(vx1) + np.abs(vy1) < 0.02) & ~crashed
    beside = memory.get("beside", zero)
    beside_now = np.where(still, beside + 1.0, 0.0).astype(np.float32)
    memory["beside"] = beside_now
    rested = memory.get("rested", zero)
    rests = (beside_now >= STILL_BESIDE) & (rested < 0.5)
    memory["rested"] = np.where(rests, 1.0, rested).astype(np.float32)
    failed = -(np.where(crashed, 1.0, 0.0) + np.where(gone, 1.0, 0.0) + np.where(rests, 0.6, 0.0))
    return {
        "fall": fall,
        "course": course,
        "tilt": tilt,
        "verdict": verdict,
        "calm": calm,
        "stand": stand,
        "settled": settled,
        "cut": cut,
        "failed": failed,
    }
