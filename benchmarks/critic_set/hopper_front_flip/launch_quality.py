# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "New bests of forward spin times ballistic flight time pay at take-off; signed pitch progress pays by height with every loss in full; past upside down the pitch predicted for touchdown being 2*pi pays in each step, and so does standing high and slow there, with a pay for each longer run in the window."
WEIGHTS = {"launch": 1.0, "turn": 1.8, "aim": 0.4, "stand": 0.6}
FULL = 6.2831853
HALF = 3.1415927
DT = 0.008
G = 9.81
LAND_Z = 0.55
SPIN_OFFSET = 2.0
SPIN_CAP = 10.0
LAUNCH_START = 0.25
LAUNCH_CAP = 7.5
RUN_PAY = 2.5


def flight_time(z, vz):
    root = np.sqrt(np.maximum(np.square(vz) + 2.0 * G * (z - LAND_Z), 0.0))
    return np.clip((vz + root) / G, 0.0, 1.0)


def progress(pitch):
    forward = np.clip(pitch, -1.6, FULL)
    beyond = np.clip(pitch - FULL, 0.0, 1.6)
    return forward - beyond


def compute_reward(state, action, next_state, memory):
    pitch0 = state["pitch_forward"]
    pitch = next_state["pitch_forward"]
    height = next_state["height"]
    z0 = state["mass_center"][:, 2]
    z = next_state["mass_center"][:, 2]
    vz = np.clip((z - z0) / DT, -10.0, 10.0)
    spin = np.clip((pitch - pitch0) / DT, -SPIN_CAP, SPIN_CAP)
    left = flight_time(z, vz)

    # take-off: spin and flight time together, each new best once
    not_backward = np.clip((pitch + 0.7) / 0.4, 0.0, 1.0)
    not_over = np.clip(4.0 - pitch, 0.0, 1.0)
    quality = np.maximum(spin + SPIN_OFFSET, 0.0) * left * not_backward * not_over
    quality = np.minimum(quality, LAUNCH_CAP)
    best_quality = memory.get("best_quality", np.zeros_like(pitch) + LAUNCH_START)
    launch = np.maximum(quality - best_quality, 0.0)
    memory["best_quality"] = np.maximum(best_quality, quality)

    # turning: gains by height, losses in full
    change = progress(pitch) - progress(pitch0)
    gate = np.clip((z - 0.25) / 0.35, 0.15, 1.0)
    turn = np.maximum(change, 0.0) * gate + np.minimum(change, 0.0)

    # past upside down: the pitch predicted for touchdown
    bounded = np.clip(pitch, -3.0, 9.0)
    past_half = 1.0 / (1.0 + np.exp(-(bounded - HALF) / 0.5))
    miss = np.abs(pitch + spin * left - FULL)
    high = np.clip((z - 0.35) / 0.2, 0.0, 1.0)
    aim = high * past_half * (0.5 * np.exp(-miss / 1.5) + 0.5 * np.exp(-miss / 0.4))

    # upright after the full turn
    error = np.abs(pitch - FULL)
    tall = np.clip((height - 0.3) / 0.65, 0.0, 1.0)
    slow = 0.3 + 0.7 * np.exp(-np.abs(spin) / 4.0)
    near = 0.4 * np.exp(-error / 1.0) + 0.6 * np.exp(-error / 0.25) * slow
    inside = np.where((error < 0.3) & (height > 0.9), 1.0, 0.0)
    run = (memory.get("run", np.zeros_like(pitch)) + 1.0) * inside
    memory["run"] = run
    best_run = memory.get("best_run", np.zeros_like(pitch))
    capped_run = np.minimum(run, 10.0)
    longer = np.maximum(capped_run - best_run, 0.0)
    memory["best_run"] = np.maximum(best_run, capped_run)
    stand = tall * near + RUN_PAY * longer

    return {"launch": launch, "turn": turn, "aim": aim, "stand": stand}
