# ruff: noqa  (a reward program: `np` and `math` are given to it)
# mypy: ignore-errors
"""Hand-written reference reward of killing a cow; frozen before any designed reward was seen."""

IDEA = "Hitting a cow, seeing one nearer and getting farther from the start are good steps; walking up to lava is bad."


def sparse(state, action, next_state, memory):
    return {"killed": 1.0 * (next_state["killed"] == 1), "death": -1.0 * next_state["died"]}


def dense(state, action, next_state, memory):
    seen = state["target_seen"] & next_state["target_seen"]
    nearer = seen & (next_state["target_view_dist"] < state["target_view_dist"])
    distance = np.linalg.norm(next_state["gps"], axis=-1)
    farthest = memory.get("farthest", 0.0)
    memory["farthest"] = np.maximum(farthest, distance)
    lava = next_state["moved"] & next_state["lava_ahead"]
    hit = next_state["hit_animal"] == 1
    return {"hit": 3.0 * hit, "approach": 2.0 * nearer, "explore": 1.0 * (distance > farthest), "lava": -3.0 * lava}
