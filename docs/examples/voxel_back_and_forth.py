# ruff: noqa  (a reward program: `np` and `math` are given to it)
# mypy: ignore-errors
"""A reward that can be gamed: it pays for walking and for each step nearer to the tree, and takes nothing for a step away.

Agents learn to walk, to and fro where it is convenient, and never arrive: arriving ends the episode and with it the
pay. The measure `back_and_forth` rises to many times that of the hand-written reference, and success stays at zero. Pay
for new records instead: see envs/packs/voxel_approach_tree.py.

    autoreward train docs/examples/voxel_back_and_forth.py --env voxel/approach_tree --seeds 1 --steps 1000000
"""

IDEA = "Whoever walks finds, and every step that brings the tree nearer is a good one."


def sparse(state, action, next_state, memory):
    return {"reached": 1.0 * (next_state["target_ahead_dist"] <= 2), "death": -1.0 * next_state["died"]}


def dense(state, action, next_state, memory):
    seen = state["target_seen"] & next_state["target_seen"]
    nearer = seen & (next_state["target_view_dist"] < state["target_view_dist"])
    return {"approach": 2.0 * nearer, "walk": 1.0 * next_state["moved"]}
