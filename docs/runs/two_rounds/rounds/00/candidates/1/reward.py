IDEA = "Pay each new least of the gap to norm(target_offset) < 0.03; pay the more, the longer the task's condition has held; pay each step in which the task's condition holds."
WEIGHTS = {"best_target_offset_gap": 1.0, "hold": 2.0, "success": 2.0}


def compute_reward(state, action, next_state, memory):
    target_offset_gap = np.linalg.norm(next_state["target_offset"], axis=-1)
    target_offset_gap_before = np.linalg.norm(state["target_offset"], axis=-1)
    least_target_offset_gap = memory.get("least_target_offset_gap", target_offset_gap_before)
    memory["least_target_offset_gap"] = np.minimum(least_target_offset_gap, target_offset_gap)
    holds = np.linalg.norm(next_state["target_offset"], axis=-1) < 0.03
    streak = np.where(holds, memory.get("streak", np.zeros(holds.shape)) + 1.0, 0.0)
    memory["streak"] = streak
    return {
        "best_target_offset_gap": 53 * np.maximum(least_target_offset_gap - target_offset_gap, 0.0),
        "hold": np.minimum(streak / 10, 1.0),
        "success": np.where(holds, 1.0, 0.0),
    }
