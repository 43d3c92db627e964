# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "A ledger of one measured free flight (mass centre accelerates with gravity alone, foot clear) books the whole-body turn; new bests of the flight's turn, estimated from its average rate since take-off, pay once and convexly; height with spin and pitch reached while high pay new bests; being high over the foot, slow and near 2*pi pays in each step, ten steps in a row a bonus."
WEIGHTS = {"flight": 1.0, "lift": 3.0, "reach": 0.8, "stray": 0.8, "stand": 0.5, "hold": 0.5}
FULL = 6.2831853
DT = 0.008
G = 9.81
LAND_Z = 0.55
MAX_STEP_TURN = 0.12
PRIOR_STEPS = 4.0
APEX_START = 0.62
APEX_CAP = 1.2
REACH_START = 1.2
DONE_BONUS = 18.0


def flight_time(z, vz):
    root = np.sqrt(np.maximum(np.square(vz) + 2.0 * G * (z - LAND_Z), 0.0))
    return np.clip((vz + root) / G, 0.0, 1.0)


def line_turn(x0, z0, x1, z1):
    return np.arctan2(z0 * x1 - x0 * z1, x0 * x1 + z0 * z1)


def convex(turn):
    return turn * (0.4 + 0.6 * turn / FULL)


def astray(pitch):
    return np.clip(pitch, -2.0, 0.0) - 0.5 * np.clip(pitch - FULL, 0.0, 2.0)


def compute_reward(state, action, next_state, memory):
    pitch0 = state["pitch_forward"]
    pitch = next_state["pitch_forward"]
    height = next_state["height"]
    com0 = state["mass_center"]
    com = next_state["mass_center"]
    foot0 = state["foot_position"]
    foot = next_state["foot_position"]
    zero = np.zeros_like(pitch)
    x0 = com0[:, 0]
    z0 = com0[:, 2]
    x = com[:, 0]
    z = com[:, 2]
    foot_z = foot[:, 2]

    # Is the robot in free flight? Then the mass centre accelerates with (0, -G).
    vx = np.clip((x - x0) / DT, -15.0, 15.0)
    vz = np.clip((z - z0) / DT, -15.0, 15.0)
    last_vx = memory.get("vx", zero)
    last_vz = memory.get("vz", zero)
    memory["vx"] = vx
    memory["vz"] = vz
    carried = np.hypot((vx - last_vx) / DT, (vz - last_vz) / DT + G)
    free = np.clip((4.0 - carried) / 3.0, 0.0, 1.0)
    foot_clear = np.clip((foot_z - 0.10) / 0.10, 0.0, 1.0)
    body_clear = np.clip((z - 0.30) / 0.15, 0.0, 1.0)
    flying = free * foot_clear * body_clear

    # Ledger of the present flight: turn of torso and foot line, and its duration.
    torso_turn = np.clip(pitch - pitch0, -MAX_STEP_TURN, MAX_STEP_TURN)
    leg_turn = line_turn(foot0[:, 0] - x0, foot0[:, 2] - z0, foot[:, 0] - x, foot_z - z)
    leg_turn = np.clip(leg_turn, -MAX_STEP_TURN, MAX_STEP_TURN)
    body_turn = 0.5 * torso_turn + 0.5 * leg_turn
    keep = 0.5 + 0.5 * free
    turned = memory.get("turned", zero) * keep + body_turn * flying
    lasted = memory.get("lasted", zero) * keep + flying
    memory["turned"] = turned
    memory["lasted"] = lasted
    step_rate = turned / (lasted + PRIOR_STEPS)
    left_steps = flight_time(z, vz) / DT
    not_backward = np.clip((pitch + 0.7) / 0.4, 0.0, 1.0)
    needed = np.maximum(FULL - pitch, 0.0)
    to_come = np.minimum(np.maximum(step_rate, 0.0) * left_steps, needed)
    whole = np.clip(turned + to_come, 0.0, FULL) * not_backward
    whole = np.where(flying > 0.0, whole, zero)
    best_whole = memory.get("best_whole", zero)
    new_whole = np.maximum(best_whole, whole)
    memory["best_whole"] = new_whole
    flight = convex(new_whole) - convex(best_whole)

    # Height of the jump, worth more with spin that is carried in flight.
    apex = np.minimum(z + np.square(np.maximum(vz, 0.0)) / (2.0 * G), APEX_CAP)
    spinning = 0.25 + 0.75 * np.clip(step_rate / (6.0 * DT), 0.0, 1.0)
    jump = np.maximum(apex - APEX_START, 0.0) * spinning * not_backward
    best_jump = memory.get("best_jump", zero)
    new_jump = np.maximum(best_jump, jump)
    memory["best_jump"] = new_jump
    lift = new_jump - best_jump

    # Pitch reached while the mass centre is high.
    best_pitch = memory.get("best_pitch", zero + REACH_START)
    new_pitch = np.maximum(best_pitch, np.minimum(pitch, FULL))
    memory["best_pitch"] = new_pitch
    reach = (new_pitch - best_pitch) * np.clip((z - 0.35) / 0.20, 0.0, 1.0)

    # Backward lean and overturning, signed.
    stray = astray(pitch) - astray(pitch0)

    # Landing and standing.
    error = np.abs(pitch - FULL)
    spin = np.abs(np.clip((pitch - pitch0) / DT, -15.0, 15.0))
    slow = 0.3 + 0.7 * np.exp(-spin / 4.0)
    high = np.clip((height - 0.35) / 0.6, 0.0, 1.0)
    under = np.clip((height - foot_z) / 1.05, 0.0, 1.0)
    late = np.clip((pitch - 3.6) / 2.0, 0.0, 1.0) * np.clip((7.6 - pitch) / 0.8, 0.0, 1.0)
    near = 0.2 * late + 0.3 * np.exp(-error / 0.8) + 0.5 * np.exp(-error / 0.25) * slow
    stand = high * under * near

    inside = ((error < 0.3) & (height > 0.9)).astype(np.float32)
    run = (memory.get("run", zero) + 1.0) * inside
    memory["run"] = run
    reached = (run >= 10.0).astype(np.float32)
    paid = memory.get("paid", zero)
    memory["paid"] = np.maximum(paid, reached)
    done = np.maximum(reached - paid, 0.0)
    hold = inside * (0.4 + 0.06 * np.minimum(run, 10.0)) + DONE_BONUS * done

    return {"flight": flight, "lift": lift, "reach": reach, "stray": stray, "stand": stand, "hold": hold}
