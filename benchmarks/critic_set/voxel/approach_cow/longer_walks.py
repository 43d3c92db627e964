# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = (
    "A cow seen nearer than ever is good; walking is how cows are found: each step that walks is good, standing is bad."
)


def sparse(state, action, next_state, memory):
    return {"reached": 1.0 * (next_state["target_view_dist"] <= 2), "death": -1.0 * next_state["died"]}


def dense(state, action, next_state, memory):
    nearest = memory.get("nearest", state["target_view_dist"])
    memory["nearest"] = np.minimum(nearest, next_state["target_view_dist"])
    return {
        "approach": 2.0 * (next_state["target_view_dist"] < nearest),
        "walk": np.where(next_state["moved"], 1.0, -1.0),
    }
