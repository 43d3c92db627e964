# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "Each step that brings a cow in view nearer is a good one; new places are good."


def sparse(state, action, next_state, memory):
    return {"reached": 1.0 * (next_state["target_view_dist"] <= 2), "death": -1.0 * next_state["died"]}


def dense(state, action, next_state, memory):
    nearer = (
        state["target_seen"] & next_state["target_seen"] & (next_state["target_view_dist"] < state["target_view_dist"])
    )
    return {"approach": 2.0 * nearer, "explore": 1.0 * next_state["new_cell"]}
