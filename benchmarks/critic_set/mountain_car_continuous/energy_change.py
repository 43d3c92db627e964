# ruff: noqa  (a reward program: `np` and `math` are given to it)
IDEA = "What the swing gains in energy pays, and the flag pays most."
WEIGHTS = {"swing": 10.0, "flag": 10.0}


def energy(position, velocity):
    # kinetic and potential, 0 at rest in the valley, about 1 with enough for the flag
    return (0.5 * np.square(velocity) + 0.00083333 * (1.0 + np.sin(3.0 * position))) / 0.00165


def compute_reward(state, action, next_state, memory):
    before = energy(state["position"], state["velocity"])
    after = energy(next_state["position"], next_state["velocity"])
    arrived = np.where(next_state["position"] >= 0.45, 1.0, 0.0)
    return {
        "swing": before - after,
        "flag": arrived,
    }
