"""`train`: a reward file alone. `export`: a run's reward as a package, and its policy."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.text import Text

from autoreward.api import check_writable, describe, task_for_file
from autoreward.commands.arguments import Command, Flag, RewardFile, RunName, Trusted, watched
from autoreward.commands.verify import Isolation, NonNegative, read_reward, show_verdict, verdict_on, with_grammar
from autoreward.config import EngineConfig, SeedCount, TrainerOverrides
from autoreward.display import new_console, rows_table
from autoreward.errors import UserError
from autoreward.language.static import grammar_of
from autoreward.records import read_record
from autoreward.store.find import find_run
from autoreward.store.records import Report, Row
from autoreward.task import Positive, Task
from autoreward.training.contract import RewardSpec, TrainingJob
from autoreward.training.files import JOB, POLICY, WORKER_LOG
from autoreward.training.registry import check_settings

Rule = Annotated[str, tyro.conf.arg(metavar="ever|final|held:K")]


class Train(Command):
    """Train on a reward file alone, and measure the true success of the policies."""

    file: RewardFile
    """The reward file."""
    env: Annotated[str, tyro.conf.arg(metavar="ID|TASK")]
    """Gymnasium id, or a pack's task."""
    success: Annotated[str | None, tyro.conf.arg(metavar="EXPR")] = None
    """True where the agent has done the task; without it: the task's own rule."""
    success_rule: Rule = "ever"
    """For --success: when that makes an episode a success."""
    grammar: Literal["terms", "signs"] | None = None
    """Which grammar the file is written in; without it: the task's."""
    steps: Positive | None = None
    """Environment steps of each training; without it: the task's budget."""
    seeds: SeedCount = 3
    """How many trainings, each on a seed of its own."""
    first_seed: NonNegative = 0
    """The first of these seeds; the others follow it."""
    episodes: Positive = 50
    """Evaluation episodes of each."""
    baselines: Flag = False
    """Also train on the sparse reward and on the human or reference reward."""
    slots: NonNegative = 0
    """Trainings at once; 0: as many as cores."""
    timeout: Positive = 3600
    """Seconds without any progress after which a training is killed."""
    isolation: Isolation = "B"
    """Least isolation of the processes that the file is run in."""
    trust: Annotated[str | None, tyro.conf.arg(metavar="PACK.yaml")] = None
    """A pack file whose own Python may be imported and run."""
    runs: Path = Path("runs")
    """Folder for the trainings; one that is there already is not repeated."""
    engine: EngineConfig = EngineConfig()
    """Where trainings run: on this machine, on Ray, on SLURM."""
    trainer: TrainerOverrides = TrainerOverrides()

    def execute(self) -> int:
        """Verify, train, and print a table."""
        source = read_reward(self.file)
        task = with_grammar(task_for_file(self.env, self.success, self.success_rule, self.trust), self.grammar)
        settings = self.trainer.applied_to(task.trainer)
        task = task.model_copy(update={"steps": self.steps or task.steps, "trainer": settings})
        check_settings(task, describe(task.env))
        check_writable(self.runs)
        # Warnings are not shown here: the training is the test. So the dear probes are left out.
        verdict = verdict_on(source, task, self.first_seed, self.isolation, seconds=1.0)
        if verdict.status != "accepted":
            show_verdict(verdict, self.file)
            return 2
        rows, folder = self._rows(task, source)
        console = new_console()
        console.print(rows_table(rows, f"{self.file} on {task.name}: true success of the trained policies"))
        for seed, training in (rows[0].trainings | rows[0].lost).items():
            policy = folder / "trainings" / training / POLICY
            found = policy if policy.exists() else f"none: its training failed; see {policy.with_name(WORKER_LOG)}"
            console.print(Text(f"policy of seed {seed}: {found}"))
        return 0 if rows[0].failed < len(rows[0].trainings) else 1

    def _rows(self, task: Task, source: str) -> tuple[list[Row], Path]:
        from autoreward.critic.stored import Stored
        from autoreward.engine.registry import find_engine
        from autoreward.envs.registry import slower_path
        from autoreward.search.trainings import Trainings, row
        from autoreward.store.folder import RunFolder, locked

        rewards = {"designed": RewardSpec(kind="program", source=source, grammar=task.grammar)}
        if self.baselines:
            rewards["sparse"] = RewardSpec(kind="sparse")
            rewards["reference" if task.reference else "human"] = (
                RewardSpec(kind="program", source=task.reference, grammar=grammar_of(task.reference))
                if task.reference
                else RewardSpec(kind="human")
            )
        digest = hashlib.sha256(source.encode()).hexdigest()[:8]
        folder = self.runs / f"train-{self.file.stem}-{digest}"
        seeds = range(self.first_seed, self.first_seed + self.seeds)
        check_writable(folder)
        with find_engine(self.engine, self.slots, self.timeout) as engine, locked(folder), watched() as display:
            if slower := slower_path(task.env):
                display.note(slower)
            stored = Stored.of(self.runs, task, describe(task.env), display.note)
            trainings = Trainings(RunFolder(folder), task, engine, display, self.isolation, stored=stored)
            results = trainings.run(rewards, seeds, self.episodes)
        labels = {name: self.file.stem if name == "designed" else name for name in rewards}
        return [row(name, labels[name], results[name], self.episodes, task.steps) for name in rewards], folder


class Export(Command):
    """Write a run's best reward as an importable package: reward, Gymnasium wrapper, manifest with the evidence."""

    run: RunName = None
    """Run folder, or a unique beginning of its name; with --sb3 also a training's folder. Without: the latest run."""
    to: Path | None = None
    """Folder to make; without it: the run's own `best/`, or the training's folder."""
    sb3: Flag = False
    """Also write the trained policy as Stable-Baselines3 loads it: `policy.zip` and `vecnormalize.pkl`, two pickles."""
    trust: Trusted = ()
    """For --sb3: an environment of your own that the run's record may have imported and run."""
    runs: Path = Path("runs")
    """Folder that holds run folders."""

    def execute(self) -> int:
        """Write the package."""
        if self.to is not None and self.to.exists() and (not self.to.is_dir() or any(self.to.iterdir())):
            raise UserError(f"{self.to} is there already; name a folder that is new or empty with --to")
        try:
            if self.sb3 and self.run is not None and (Path(self.run) / JOB).exists():
                self._training(Path(self.run))
            else:
                self._run(find_run(self.run, self.runs))
        except OSError as error:
            where = self.to or error.filename or "the package"
            raise UserError(f"{where} cannot be written: {error.strerror or error}; give another with --to") from None
        return 0

    def _run(self, path: Path) -> None:
        from autoreward.search.final import export_run
        from autoreward.store.folder import RunFolder

        folder = RunFolder(path)
        report, record = folder.report(), folder.run()
        finished, to, policy = report is not None, self.to or folder.best, folder.best / POLICY
        if report is None:
            analyses = [found for round_ in folder.rounds() if (found := folder.analysis(round_))]
            report = Report(winner=analyses[-1].incumbent if analyses else None, rows=(), spent=folder.spent())
        if self.sb3 and not policy.exists():
            reason = (
                "the trainings of its best reward failed, or best/ was changed"
                if finished
                else f"it is kept at the end of the run: autoreward resume {path}"
            )
            raise UserError(f"{path} has no trained policy to export; {reason}")
        if self.sb3:
            self._check_trust(record.task, path / "run.json")
        written = export_run(folder, record, report, to)
        if self.to is not None and policy.exists():
            shutil.copy(policy, to / POLICY)
        note = "" if finished else "; the run is not finished, so there is no evidence from fresh seeds yet"
        new_console().print(Text(f"wrote {written}{note}"))
        if self.sb3:
            _write_sb3(policy, record.task, to)

    def _training(self, path: Path) -> None:
        job, to = read_record(path / JOB, TrainingJob), self.to or path
        if not (path / POLICY).exists():
            raise UserError(f"{path} has no trained policy to export; {path / WORKER_LOG} may tell why")
        self._check_trust(job.task, path / JOB)
        if to != path:
            to.mkdir(parents=True, exist_ok=True)
            shutil.copy(path / POLICY, to / POLICY)
        _write_sb3(path / POLICY, job.task, to)

    def _check_trust(self, task: Task, record: Path) -> None:
        from autoreward.store.trust import named_by_environment, require_trust

        to = () if self.to is None else ("--to", str(self.to))
        command = ("autoreward", "export", str(record.parent), "--sb3", *to)
        require_trust(named_by_environment(task.env), self.trust, str(record), command)


def _write_sb3(policy: Path, task: Task, to: Path) -> None:
    from autoreward.training.policy import Policy
    from autoreward.training.sb3_export import export_sb3

    written, statistics = export_sb3(Policy.load(policy), task.env, to)
    new_console().print(
        Text(f"wrote {written} and {statistics.name}: PPO.load and VecNormalize.load read them; they are pickles")
    )
