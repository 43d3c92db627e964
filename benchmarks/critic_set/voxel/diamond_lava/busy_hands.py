# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "A diamond seen nearer than ever is good, each block placed or broken and each 3 blocks farther from the start too; lava is bad."


def sparse(state, action, next_state, memory):
    return {"diamond": 1.0 * (next_state["inventory_delta"][:, 7] > 0), "death": -1.0 * next_state["died"]}


def dense(state, action, next_state, memory):
    nearest = memory.get("nearest", state["target_view_dist"])
    memory["nearest"] = np.minimum(nearest, next_state["target_view_dist"])
    distance = np.linalg.norm(next_state["gps"], axis=-1) // 3
    farthest = memory.get("farthest", 0.0)
    memory["farthest"] = np.maximum(farthest, distance)
    lava = next_state["moved"] & next_state["lava_ahead"]
    return {
        "approach": 2.0 * (next_state["target_view_dist"] < nearest),
        "busy": 2.0 * ((next_state["placed"] > 0) | (next_state["mined"] > 0)),
        "explore": 1.0 * (distance > farthest),
        "lava": -3.0 * lava,
    }
