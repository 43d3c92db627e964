"""`play`: episodes of a policy, or of uniform actions, as a film."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from pydantic import Field
from rich.text import Text

from autoreward.api import TaskChoice, pack_task, task_for_file
from autoreward.commands.arguments import Command, Flag
from autoreward.display import new_console
from autoreward.errors import UserError
from autoreward.report.text import clean
from autoreward.task import Positive, Task

if TYPE_CHECKING:
    from autoreward.envs.contract import BatchEnv
    from autoreward.report.playing import Episode
    from autoreward.reward.reward import Reward
    from autoreward.training.policy import Policy

Isolation = Literal["A", "B", "C"]
NO_RULE = "False"
"""The success of an environment whose rule nobody has said."""


class Play(Command):
    """Film episodes: what the agent sees and does, and what a reward says of it."""

    task: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="TASK|ID")]
    """A pack's task, such as `voxel/diamond_lava`, or a Gymnasium id."""
    tier: str | None = None
    """How hard, for a task of a pack that has tiers, such as `easy`."""
    policy: Annotated[str | None, tyro.conf.arg(metavar="RUN|FILE")] = None
    """Who plays: a run (its folder, or a beginning of its name), a training's folder, or a `policy.safetensors`."""
    random: Flag = False
    """Instead of --policy: actions drawn uniformly."""
    reward: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """A reward file, whose terms are shown below the pictures; without it: the environment's own reward."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Of the first episode; the others follow it."""
    episodes: Positive = 1
    """How many."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """A name that ends with `.gif`, `.mp4` (needs ffmpeg) or `.png` (contact sheets); without it: a GIF here."""
    frames: Annotated[int, Field(ge=2)] | None = None
    """Pictures in the file, at most. [default: GIF 100, MP4 2000, PNG 8 an episode]"""
    success: Annotated[str | None, tyro.conf.arg(metavar="EXPR")] = None
    """True where the agent has done the task; without it: the task's own rule."""
    isolation: Isolation = "B"
    """Least isolation of the process that the reward file is run in."""
    trust: Annotated[str | None, tyro.conf.arg(metavar="PACK.yaml")] = None
    """A pack file whose own Python may be imported and run."""
    runs: Path = Path("runs")
    """Folder that holds run folders."""

    def execute(self) -> int:
        """Play, write the film, and say what happened."""
        from autoreward.report.video import Film, check_out, film

        if self.random == (self.policy is not None):
            raise UserError("who plays? Give --policy RUN (or a policy.safetensors), or --random, and not both")
        task = self._task()
        out = self.out or Path(f"{task.name.replace('/', '-').replace(':', '-')}-{self.seed}.gif")
        check_out(out)
        episodes = self._played(task)
        film(Film(task=task, episodes=tuple(episodes), out=out.resolve(), frames=self.frames))
        console, ruled = new_console(), task.success.expression != NO_RULE
        for episode in episodes[:-1]:
            console.print(Text(clean(f"{task.name}, seed {episode.seed}: {episode.summary(ruled)}")))
        last, size = episodes[-1], out.stat().st_size / 1e6
        said = f"{task.name}, seed {last.seed}: {last.summary(ruled)}; wrote {out} ({size:.1f} MB)"
        console.print(Text(clean(said)))
        return 0

    def _task(self) -> Task:
        """The task, in the worlds in which policies are evaluated."""
        known = pack_task(self.task, self.trust) is not None
        if self.tier is not None:
            named = TaskChoice(task=self.task, tier=self.tier, trust=self.trust).resolve().name
            task = task_for_file(named, self.success, trust=self.trust)
        else:
            task = task_for_file(self.task, self.success or (None if known else NO_RULE), trust=self.trust)
        return task.model_copy(update={"env": task.env.used_for("evaluation")})

    def _played(self, task: Task) -> list[Episode]:
        from autoreward.envs.registry import make_env
        from autoreward.report.playing import play, player, with_human_reward, with_terms

        env = make_env(task.env, 1)
        reward = None if self.reward is None else self._loaded_reward(self.reward, env)
        try:
            fields = () if reward is None else (*reward.program.state_fields, *reward.program.next_state_fields)
            seeds = range(self.seed, self.seed + self.episodes)
            policy = None if self.policy is None else self._loaded_policy(self.policy, task, env)
            recorded = [play(env, task, player(env, task, policy, seed), seed, fields) for seed in seeds]
            if reward is None:
                return [with_human_reward(each) for each in recorded]
            return [with_terms(each, reward) for each in recorded]
        finally:
            env.close()
            if reward is not None:
                reward.close()

    def _loaded_reward(self, file: Path, env: BatchEnv) -> Reward:
        from autoreward.reward.load import load_reward
        from autoreward.sandbox.linux.process import hide_process

        hide_process()
        reward = load_reward(file, env.schema, isolation=self.isolation)
        reward.start()  # says before anything is played where it cannot be run
        return reward

    def _loaded_policy(self, name: str, task: Task, env: BatchEnv) -> Policy:
        from autoreward.report.playing import check_fits
        from autoreward.training.policy import Policy

        policy = Policy.load(file := self._policy_file(name, task))
        check_fits(policy, env, str(file))
        return policy

    def _policy_file(self, name: str, task: Task) -> Path:
        """The file of a policy that was named by itself, by a training's folder, or by a run."""
        from autoreward.store.find import find_run
        from autoreward.store.folder import RunFolder
        from autoreward.training.files import POLICY

        path = Path(name)
        if path.is_file() or path.suffix == ".safetensors":
            return path
        if (path / POLICY).is_file() and not (path / "run.json").exists():
            return path / POLICY
        folder = RunFolder(find_run(name, self.runs))
        played, own = folder.run().task.env.id, task.env.id
        if played != own:
            raise UserError(f"{folder.path} is a run on {played}, and {task.name} takes place in {own}")
        if not (policy := folder.best / POLICY).is_file():
            raise UserError(
                f"{folder.path} has no trained policy; it is kept at the end of the run. "
                f"Name one of {folder.path}/trainings/*/{POLICY}, or type: autoreward resume {folder.path}"
            )
        return policy
