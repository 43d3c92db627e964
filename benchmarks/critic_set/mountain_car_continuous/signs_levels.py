# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "The flag is good; on the way each new twentieth of the energy that it takes is."


def energy(position, velocity):
    # kinetic and potential, 0 at rest in the valley, about 1 with enough for the flag
    return (0.5 * np.square(velocity) + 0.00083333 * (1.0 + np.sin(3.0 * position))) / 0.00165


def sparse(state, action, next_state, memory):
    return {"flag": np.where(next_state["position"] >= 0.45, 1.0, 0.0)}


def dense(state, action, next_state, memory):
    level = np.floor(20.0 * energy(next_state["position"], next_state["velocity"]))
    best = memory.get("best", np.floor(20.0 * energy(state["position"], state["velocity"])))
    memory["best"] = np.maximum(best, level)
    return {"level": np.where(level > best, 1.0, 0.0)}
