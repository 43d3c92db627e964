"""`run`: design a reward for a task. `resume`: go on with a run that was stopped."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from autoreward.api import TaskChoice, check_writable
from autoreward.commands.arguments import Command, Flag, RunName, Trusted, watched
from autoreward.config import Budget, EngineConfig, LLMConfig, RunConfig
from autoreward.display import new_console, outcome, show
from autoreward.errors import UserError
from autoreward.records import validate
from autoreward.store.find import find_run
from autoreward.task import Positive, Task

if TYPE_CHECKING:
    from autoreward.store.folder import RunFolder

START_FROM = "start_from.py"
"""A run folder's copy of the reward that it began with."""


class Run(Command):
    """Design a reward: for a pack's task (`run reacher`), or your own (`run --env ID --text "..." --success EXPR`).

    `run --llm.replay RUN` alone takes task and options of a recorded run, and flags override them.
    """

    task: Annotated[str | None, tyro.conf.Positional, tyro.conf.arg(metavar="[TASK]")] = None
    """Task of a pack, such as `reacher` (`autoreward envs` lists them), or `path/to/pack.yaml`."""
    tier: Annotated[str | None, tyro.conf.arg(metavar="easy|standard|hard")] = None
    """How hard, for a task that has tiers: the voxel worlds. [default: the first, standard]"""
    env: str | None = None
    """Instead of TASK: a Gymnasium id, `module:Id` or `module:factory`, or a pack whose environment to use."""
    text: str | None = None
    """For --env: what the agent should do, in words."""
    wishes: str | None = None
    """How it should be done, in words, where success does not measure it: gently, without tipping over ..."""
    success: Annotated[str | None, tyro.conf.arg(metavar="EXPR")] = None
    """For --env: expression over the environment's fields, true where the agent has done it."""
    success_rule: Annotated[str | None, tyro.conf.arg(metavar="ever|final|held:K")] = None
    """For --env: when that makes an episode a success; without it: ever."""
    env_kwargs: Annotated[str | None, tyro.conf.arg(metavar="JSON")] = None
    """For --env: keyword arguments of the environment."""
    step_limit: Positive | None = None
    """For --env: steps after which an episode is cut off."""
    trust: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="PACK.yaml")] = ()
    """A pack file whose own Python may be imported and run. With --llm.replay alone: MODULE:ATTR that the recorded run
    may have imported and run; may be given several times."""
    config_file: Annotated[Path | None, tyro.conf.arg(name="config", metavar="FILE.yaml")] = None
    """YAML with any of the options below; flags override it."""
    dry_run: Flag = False
    """Print the plan and the Designer's prompts, or its first proposals; spend nothing."""
    config: Annotated[RunConfig, tyro.conf.arg(name="")] = RunConfig()
    """The options of the run."""

    def execute(self) -> int:
        """Run to the end, and print the final table."""
        task = self._task()
        if self.dry_run:
            from autoreward.commands.plan import show_plan

            show_plan(task, self.config, new_console())
            return 0
        check_writable(self.config.runs)
        from autoreward.search.loop import start

        command = shlex.join(["autoreward", *sys.argv[1:]])
        with watched() as display:
            folder = start(task, self.config, display, command)
        return show_outcome(folder)

    def recorded(self) -> Run | None:
        """The same for the configuration of the run that is replayed, from which the flags differ.

        None where a task or a configuration is given, or no run replayed. What is this machine's and its user's to say
        stays as it is without the record: where runs go, and how reward programs are isolated.
        """
        folder = self._replayed()
        if folder is None or self.config_file is not None:
            return None
        run, own = folder.run(), folder.path / START_FROM
        ours = ("runs", "shared_trainings", "isolation", "slots", "training_timeout", "track")
        update = {name: RunConfig.model_fields[name].default for name in ours}
        update |= {"designer": run.designer, "start_from": own if own.exists() else None}
        return Run(config=run.config.model_copy(update=update))

    def _task(self) -> Task:
        """The task that is given, or that of the run that is replayed."""
        if folder := self._replayed():
            from autoreward.store.trust import check_replay

            check_replay(folder, self.config, self.trust)
            return folder.run().task
        if len(self.trust) > 1:
            raise UserError(f"--trust {self.trust[1]}: a task has one pack; name it once")
        given = {name: getattr(self, name) for name in TaskChoice.model_fields}
        return validate(TaskChoice, given | {"trust": next(iter(self.trust), None)}, "autoreward run").resolve()

    def _replayed(self) -> RunFolder | None:
        """The run folder of `--llm.replay`, where no task is given."""
        from autoreward.store.folder import RunFolder

        given = any(getattr(self, name) is not None for name in TaskChoice.model_fields if name != "trust")
        name = self.config.llm.replay
        if given or not name or Path(name).is_file():
            return None
        return RunFolder(find_run(name, self.config.runs))


class Resume(Command):
    """Go on with a run that was stopped; nothing finished is done again.

    With larger caps (`--budget...`), or one lifted (`--budget.llm-calls none`), a run that a cap has ended is opened
    again, in its last round.
    """

    run: RunName = None
    """Path of the run folder, or a unique beginning of its name. Without it: the latest run."""
    runs: Path = Path("runs")
    """Folder that holds run folders."""
    budget: Budget = Budget()
    """Caps of the search; those that are not given stay as they were, and `none` lifts one."""
    llm: LLMConfig = LLMConfig()
    """The language model; what is not given stays as it was."""
    engine: EngineConfig = EngineConfig()
    """Where trainings run; what is not given stays as it was."""
    stop_when_hopeless: bool = True
    """Whether it ends where every reward fails alike, the environment's own too; what is not given stays as it was."""
    trust: Trusted = ()
    """Python of your own that the run's record may have imported and run, and an endpoint that may be sent the key."""

    def recorded(self) -> Resume:
        """The same for the run's own settings, from which the flags differ."""
        from autoreward.store.folder import RunFolder

        folder = find_run(self.run, self.runs)
        config = RunFolder(folder).run().config
        return Resume(
            run=str(folder),
            budget=config.budget,
            llm=config.llm,
            engine=config.engine,
            stop_when_hopeless=config.stop_when_hopeless,
        )

    def execute(self) -> int:
        """Resume, and print the final table."""
        folder = find_run(self.run, self.runs)
        check_writable(folder)
        from autoreward.search.loop import resume
        from autoreward.search.reopen import reopen
        from autoreward.store.folder import RunFolder
        from autoreward.store.trust import check_resume

        check_resume(RunFolder(folder), self.llm, self.trust, self.engine)
        reopen(RunFolder(folder), self.budget, self.llm, self.stop_when_hopeless, self.engine)
        with watched() as display:
            resume(folder, display)
        return show_outcome(folder)


def show_outcome(folder: Path) -> int:
    """Print how a finished run ended: 0, or 1 where no candidate could be trained."""
    from autoreward.store.folder import RunFolder

    report = RunFolder(folder).report()
    if report is None:
        return 1
    show(new_console(), outcome(folder, report))
    return 0 if report.winner is not None else 1
