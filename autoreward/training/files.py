"""Names of the files in a training's folder, and what they hold."""

JOB = "job.json"
PROGRESS = "progress.json"
POLICY = "policy.safetensors"
"""The shipped policy: the checkpoint with the best own return."""
POLICY_LAST = "policy_last.safetensors"
POLICY_SB3, VECNORMALIZE = "policy.zip", "vecnormalize.pkl"
"""The shipped policy exported for Stable-Baselines3; pickles, which autoreward writes and never reads."""
EPISODES = "episodes.npz"
"""Training episodes, arrays [E]: step, length, own_return, success, score, `outcome.NAME`, `term.NAME` (weighted); in
the grammar `signs`, where a training may be stopped for hacking, `without.NAME`: own return without that term."""
TRAJECTORIES = "trajectories.npz"
"""Final evaluation, arrays [E]: length, success, score, seed, `outcome.NAME`; and, for at most 8 episodes (best, worst,
failed ones) listed in `recorded` [R] (indices into E): `action` [R, T, ...], `field.NAME` [R, T + 1, ...] with the
state before the first step at index 0, padded with the last state; where a program was trained on, what it says of
each step, `term.NAME` [R, T] (weighted)."""
WORKER_LOG = "worker.log"
SNAPSHOTS = ".snapshots"
"""Folder of the policies that wait for their evaluation; gone when the training ends."""
CHECKPOINT = "checkpoint.npz"
"""Everything that a training needs to go on from where it was (`batch` only)."""
FAULT = "fault.npz"
"""Where a training failed on numbers that are not finite: the states, actions and rewards that show it."""
RESULT_FILES = (POLICY, POLICY_LAST, EPISODES, TRAJECTORIES, FAULT)
"""What a training leaves beside its result, for those who read it."""


def result_name(steps: int) -> str:
    """The result of the training at that number of steps."""
    return f"result-{steps}.json"
