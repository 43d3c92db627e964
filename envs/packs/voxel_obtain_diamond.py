# ruff: noqa  (a reward program: `np` and `math` are given to it)
# mypy: ignore-errors
"""Hand-written reference reward of obtaining a diamond from scratch; frozen before any designed reward was seen."""

IDEA = "Each first of the 12 milestones is a good step, and so is a diamond seen nearer; walking up to lava is bad."


def sparse(state, action, next_state, memory):
    return {"diamond": 1.0 * (next_state["inventory_delta"][:, 7] > 0), "death": -1.0 * next_state["died"]}


def dense(state, action, next_state, memory):
    most = memory.get("most", state["milestones"])
    memory["most"] = np.maximum(most, next_state["milestones"])
    seen = state["target_seen"] & next_state["target_seen"]
    nearer = seen & (next_state["target_view_dist"] < state["target_view_dist"])
    new = next_state["new_cell"]
    lava = next_state["moved"] & next_state["lava_ahead"]
    milestone = 5.0 * (next_state["milestones"] > most)
    return {"milestone": milestone, "approach": 2.0 * nearer, "explore": 1.0 * new, "lava": -3.0 * lava}
