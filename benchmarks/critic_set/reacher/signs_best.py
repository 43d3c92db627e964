# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "On the target is good; on the way each new best distance is."


def sparse(state, action, next_state, memory):
    distance = np.linalg.norm(next_state["target_offset"], axis=-1)
    return {"on": np.where(distance < 0.03, 1.0, 0.0)}


def dense(state, action, next_state, memory):
    before = np.linalg.norm(state["target_offset"], axis=-1)
    after = np.linalg.norm(next_state["target_offset"], axis=-1)
    best = memory.get("best", before)
    memory["best"] = np.minimum(best, after)
    return {"nearer": np.where(after < best - 0.001, 1.0, 0.0)}
