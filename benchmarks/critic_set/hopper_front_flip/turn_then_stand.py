# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Signed changes of the touchdown pitch forecast and of flight time pay the launch, turning clear of the floor pays up to a cap; being high and near 2*pi now and 0.12 s ahead pays each step, new bests of a short running mean of closeness to the success condition pay once, with a bonus at ten steps in a row."
WEIGHTS = {"forecast": 0.8, "lift": 2.0, "air": 0.15, "land": 0.5}
FULL = 6.2831853
DT = 0.008
G = 9.81
LAND_Z = 0.55
AIR_CAP = 40.0
LEAD = 0.12
HELD_RATE = 0.15
HELD_PAY = 12.0
DONE_BONUS = 10.0


def flight_time(z, vz):
    root = np.sqrt(np.maximum(np.square(vz) + 2.0 * G * (z - LAND_Z), 0.0))
    return np.clip((vz + root) / G, 0.0, 1.0)


def line_turn(x0, z0, x1, z1):
    return np.arctan2(z0 * x1 - x0 * z1, x0 * x1 + z0 * z1)


def tent(value):
    toward = np.clip(value, -2.0, FULL)
    beyond = np.clip(value - FULL, 0.0, 2.0)
    return toward - beyond


def compute_reward(state, action, next_state, memory):
    pitch0 = state["pitch_forward"]
    pitch = next_state["pitch_forward"]
    height = next_state["height"]
    com0 = state["mass_center"]
    com = next_state["mass_center"]
    foot0 = state["foot_position"]
    foot = next_state["foot_position"]
    z0 = com0[:, 2]
    z = com[:, 2]
    foot_z = foot[:, 2]
    vz = np.clip((z - z0) / DT, -10.0, 10.0)
    spin = np.clip((pitch - pitch0) / DT, -15.0, 15.0)
    turned = line_turn(foot0[:, 0] - com0[:, 0], foot0[:, 2] - z0, foot[:, 0] - com[:, 0], foot_z - z)
    leg_spin = np.clip(turned / DT, -15.0, 15.0)
    rate = 0.5 * spin + 0.5 * leg_spin
    left = flight_time(z, vz)
    not_backward = np.clip((pitch + 0.7) / 0.4, 0.0, 1.0)
    aim = tent(pitch + rate * left)
    off_floor = np.clip((z - 0.15) / 0.35, 0.3, 1.0)
    value = np.maximum(aim, 0.0) * off_floor + np.minimum(aim, 0.0)
    last_value = memory.get("forecast", pitch0)
    memory["forecast"] = value
    forecast = value - last_value
    hop = left * not_backward
    last_hop = memory.get("hop", flight_time(z0, np.zeros_like(z0)))
    memory["hop"] = hop
    lift = hop - last_hop
    foot_clear = np.square(np.clip((foot_z - 0.06) / 0.6, 0.0, 1.0))
    lowest = height - 0.2 * np.abs(next_state["upright"])
    torso_clear = np.clip((lowest - 0.1) / 0.4, 0.0, 1.0)
    turning = 0.15 + 0.85 * np.clip(rate / 8.0, 0.0, 1.0)
    not_done = np.clip(5.8 - pitch, 0.0, 1.0)
    air_now = foot_clear * torso_clear * turning * not_backward * not_done
    air_paid = memory.get("air_paid", np.zeros_like(pitch))
    air = np.minimum(air_now, np.maximum(AIR_CAP - air_paid, 0.0))
    memory["air_paid"] = air_paid + air
    error = np.abs(pitch - FULL)
    ahead = np.abs(pitch + LEAD * spin - FULL)
    high = np.clip((height - 0.35) / 0.6, 0.0, 1.0)
    under = np.clip((height - foot_z) / 1.05, 0.0, 1.0)
    late = np.clip((pitch - 3.6) / 1.5, 0.0, 1.0) * np.clip((7.6 - pitch) / 0.8, 0.0, 1.0)
    settling = 0.3 + 0.7 * np.exp(-ahead / 0.45)
    near = 0.2 * late + 0.3 * np.exp(-error / 0.8) + 0.5 * np.exp(-error / 0.25) * settling
    close = np.clip((height - 0.45) / 0.5, 0.0, 1.0) * np.clip((1.5 - error) / 1.25, 0.0, 1.0)
    held = (1.0 - HELD_RATE) * memory.get("held", np.zeros_like(pitch)) + HELD_RATE * close
    memory["held"] = held
    best_held = memory.get("best_held", np.zeros_like(pitch))
    memory["best_held"] = np.maximum(best_held, held)
    grown = np.maximum(held - best_held, 0.0)
    inside = ((error < 0.3) & (height > 0.9)).astype(np.float32)
    run = (memory.get("run", np.zeros_like(pitch)) + 1.0) * inside
    memory["run"] = run
    streak = 0.4 * inside + 0.06 * np.minimum(run, 10.0)
    paid = memory.get("paid", np.zeros_like(pitch))
    reached = (run >= 10.0).astype(np.float32)
    memory["paid"] = np.maximum(paid, reached)
    done = np.maximum(reached - paid, 0.0)
    land = high * under * near + streak + HELD_PAY * grown + DONE_BONUS * done
    return {"forecast": forecast, "lift": lift, "air": air, "land": land}
