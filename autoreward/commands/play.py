"""`play`: rollouts of a run's policy, or episodes of any policy or of uniform actions, as films."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from pydantic import Field
from rich.text import Text

from autoreward.api import TaskChoice, pack_task, task_for_file
from autoreward.commands.arguments import Command, Flag
from autoreward.commands.rollouts import Asked, show_rollouts
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
    """Film episodes: what the agent sees and does, and what the reward says of it.

    `play RUN` films the best, the median and the worst episode of a trained policy and a failed one of each outcome;
    `play TASK` films any policy, or uniform actions.
    """

    target: Annotated[str | None, tyro.conf.Positional, tyro.conf.arg(metavar="[RUN|TASK|ID]")] = None
    """A run (its folder, or a beginning of its name; without it: the latest), a pack's task, or a Gymnasium id."""
    candidate: Annotated[str | None, tyro.conf.Positional, tyro.conf.arg(metavar="[CANDIDATE]")] = None
    """Of a run, such as 1.2. Without it: the best one."""
    training: Annotated[int | None, tyro.conf.arg(metavar="SEED")] = None
    """Of a run's candidate: the training with this seed plays. Without it: the best one."""
    tier: str | None = None
    """How hard, for a task of a pack that has tiers, such as `easy`."""
    policy: Annotated[str | None, tyro.conf.arg(metavar="RUN|FILE")] = None
    """Who plays a task: a run (its folder, or a beginning of its name), a training's folder, a `policy.safetensors`."""
    random: Flag = False
    """Instead of --policy: actions drawn uniformly."""
    reward: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """A reward file, whose terms are shown below the pictures. Without it: a run's own, or the environment's reward."""
    seed: Annotated[int, Field(ge=0)] | None = None
    """Of the first episode; the others follow it. Without it: 0, and of a run those of the training's evaluation."""
    episodes: Positive | None = None
    """How many; of a run without --seed: to choose from. [default: 1, and up to 50 to choose from]"""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """One film of all: a name that ends with `.gif`, `.mp4` (needs ffmpeg) or `.png` (contact sheets). Without it: a
    GIF here, or of a run a GIF an episode in its `rollouts/`."""
    frames: Annotated[int, Field(ge=2)] | None = None
    """Pictures in the file, at most. [default: GIF 100, MP4 2000, PNG 8 an episode; a GIF in `rollouts/` 60]"""
    success: Annotated[str | None, tyro.conf.arg(metavar="EXPR")] = None
    """True where the agent has done the task; without it: the task's own rule."""
    isolation: Isolation = "B"
    """Least isolation of the process that the reward is run in."""
    trust: Annotated[tuple[str, ...], tyro.conf.arg(metavar="PACK.yaml|MODULE:ATTR ...")] = ()
    """A pack file whose own Python may be imported and run; of a run: what its record would have imported and run."""
    runs: Path = Path("runs")
    """Folder that holds run folders."""

    @property
    def _pack(self) -> str | None:
        """The pack file that is trusted."""
        return next(iter(self.trust), None)

    def execute(self) -> int:
        """Play, write the films, and say what happened."""
        if self._names_run():
            return self._run()
        if self.target is None or self.random == (self.policy is not None):
            raise UserError("who plays? Give --policy RUN (or a policy.safetensors), or --random, and not both")
        if self.candidate is not None or self.training is not None:
            raise UserError(f"a candidate goes with a run, and {self.target} is a task: autoreward play RUN CANDIDATE")
        return self._film(self._task(self.target))

    def _names_run(self) -> bool:
        """Whether the target is a run: its folder, or no name of a task or an environment, while nobody else plays."""
        if self.target is None or (Path(self.target) / "run.json").exists():
            return True
        if self.policy is not None or self.random or ":" in self.target:
            return False
        from gymnasium.envs.registration import registry

        return self.target not in registry and pack_task(self.target, self._pack) is None

    def _run(self) -> int:
        given = {"--policy": self.policy, "--random": self.random, "--tier": self.tier, "--success": self.success}
        if wrong := next((flag for flag, value in given.items() if value), None):
            raise UserError(f"{wrong} goes with a task; {self.target or 'a run'} has its own, and its own policies")
        asked = Asked(
            run=self.target,
            candidate=self.candidate,
            training=self.training,
            reward=self.reward,
            seed=self.seed,
            episodes=self.episodes,
            out=self.out,
            frames=self.frames,
            isolation=self.isolation,
            trust=self.trust,
            runs=self.runs,
        )
        show_rollouts(asked, new_console())
        return 0

    def _film(self, task: Task) -> int:
        from autoreward.report.video import Film, Films, Scene, check_out, film

        first = self.seed or 0
        out = self.out or Path(f"{task.name.replace('/', '-').replace(':', '-')}-{first}.gif")
        check_out(out)
        episodes = self._played(task, range(first, first + (self.episodes or 1)))
        scenes = tuple(Scene(episode=one, title=f"{task.name}   seed {one.seed}") for one in episodes)
        film(Films(task=task, films=(Film(scenes=scenes, out=out.resolve(), frames=self.frames),)))
        console, ruled = new_console(), task.success.expression != NO_RULE
        for episode in episodes[:-1]:
            console.print(Text(clean(f"{task.name}, seed {episode.seed}: {episode.summary(ruled)}")))
        last, size = episodes[-1], out.stat().st_size / 1e6
        said = f"{task.name}, seed {last.seed}: {last.summary(ruled)}; wrote {out} ({size:.1f} MB)"
        console.print(Text(clean(said)))
        return 0

    def _task(self, name: str) -> Task:
        """The task, in the worlds in which policies are evaluated."""
        known = pack_task(name, self._pack) is not None
        if self.tier is not None:
            named = TaskChoice(task=name, tier=self.tier, trust=self._pack).resolve().name
            task = task_for_file(named, self.success, trust=self._pack)
        else:
            task = task_for_file(name, self.success or (None if known else NO_RULE), trust=self._pack)
        return task.model_copy(update={"env": task.env.used_for("evaluation")})

    def _played(self, task: Task, seeds: range) -> list[Episode]:
        from autoreward.envs.registry import make_env
        from autoreward.report.playing import play, player, with_human_reward, with_terms

        env = make_env(task.env, 1)
        reward = None if self.reward is None else self._loaded_reward(self.reward, env)
        try:
            fields = () if reward is None else (*reward.program.state_fields, *reward.program.next_state_fields)
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
        from autoreward.report.actor import find_actor
        from autoreward.report.run import Run
        from autoreward.store.find import find_run
        from autoreward.training.files import POLICY

        path = Path(name)
        if path.is_file() or path.suffix == ".safetensors":
            return path
        if (path / POLICY).is_file() and not (path / "run.json").exists():
            return path / POLICY
        run = Run(find_run(name, self.runs))
        played, own = run.task.env.id, task.env.id
        if played != own:
            raise UserError(f"{run.path} is a run on {played}, and {task.name} takes place in {own}")
        return find_actor(run).policy
