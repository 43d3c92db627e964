IDEA = "Keep the gap to norm(target_offset) < 0.03 low; keep fingertip velocity in size near zero; pay the more, the longer the task's condition has held; spend little effort."
WEIGHTS = {"low_target_offset_gap": 1.0, "small_fingertip_velocity_size": 0.3, "hold": 1.0, "effort": 0.05}


def compute_reward(state, action, next_state, memory):
    target_offset_gap = np.linalg.norm(next_state["target_offset"], axis=-1)
    fingertip_velocity_size = np.linalg.norm(next_state["fingertip_velocity"], axis=-1)
    holds = np.linalg.norm(next_state["target_offset"], axis=-1) < 0.03
    streak = np.where(holds, memory.get("streak", np.zeros(holds.shape)) + 1.0, 0.0)
    memory["streak"] = streak
    return {
        "low_target_offset_gap": -target_offset_gap / 0.47,
        "small_fingertip_velocity_size": -np.abs(fingertip_velocity_size) / 2,
        "hold": np.minimum(streak / 10, 1.0),
        "effort": -np.mean(np.square(action), axis=-1),
    }
