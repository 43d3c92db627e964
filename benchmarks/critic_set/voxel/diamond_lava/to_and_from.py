# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "A step nearer to a diamond in view is good and one away from it bad; aiming at it, new places are good, lava is bad."


def sparse(state, action, next_state, memory):
    return {"diamond": 1.0 * (next_state["inventory_delta"][:, 7] > 0), "death": -1.0 * next_state["died"]}


def dense(state, action, next_state, memory):
    seen = state["target_seen"] & next_state["target_seen"]
    step = state["target_view_dist"] - next_state["target_view_dist"]
    ever = memory.get("aimed", state["target_aimed"])
    memory["aimed"] = ever | next_state["target_aimed"]
    distance = np.linalg.norm(next_state["gps"], axis=-1) // 3
    farthest = memory.get("farthest", 0.0)
    memory["farthest"] = np.maximum(farthest, distance)
    lava = next_state["moved"] & next_state["lava_ahead"]
    return {
        "approach": 2.0 * np.sign(step) * seen,
        "aim": 2.0 * (next_state["target_aimed"] & ~ever),
        "explore": 1.0 * (distance > farthest),
        "lava": -3.0 * lava,
    }
