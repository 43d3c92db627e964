"""What `play RUN` does: play a candidate's policy, film what is worth looking at, and say how to see it again."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rich.console import Console, RenderableType
from rich.text import Text

from autoreward.display import count, table
from autoreward.errors import UserError
from autoreward.report.text import clean, number

if TYPE_CHECKING:
    from autoreward.report.actor import Actor
    from autoreward.report.rollouts import Performance
    from autoreward.report.run import Run


@dataclass(frozen=True)
class Asked:
    """`play`'s arguments that concern a run; see there."""

    run: str | None
    candidate: str | None
    training: int | None
    reward: Path | None
    seed: int | None
    episodes: int | None
    out: Path | None
    frames: int | None
    isolation: Literal["A", "B", "C"]
    trust: tuple[str, ...]
    runs: Path


def show_rollouts(asked: Asked, console: Console) -> None:
    """Play, film, and print what was filmed.

    Raises:
        UserError: there is no policy, the record names Python of its own, or the films cannot be written.
        IsolationTooWeak: the reward's cell would be isolated less than asked for.
    """
    from autoreward.report.actor import find_actor
    from autoreward.report.rollouts import perform
    from autoreward.report.run import Run
    from autoreward.report.video import check_out
    from autoreward.reward.reward import read_source
    from autoreward.sandbox.linux.process import hide_process
    from autoreward.store.find import find_run
    from autoreward.store.trust import named_by_environment, require_trust

    run = Run(find_run(asked.run, asked.runs))
    actor = find_actor(run, asked.candidate, asked.training)
    if asked.reward is not None:
        actor = replace(actor, source=read_source(asked.reward))
    if asked.out is not None:
        check_out(asked.out)
    else:
        _check_kept(actor)
    command = ("autoreward", "play", str(run.path), actor.candidate)
    require_trust(named_by_environment(run.task.env), asked.trust, str(run.path / "run.json"), command)
    hide_process()
    seeds = None if asked.seed is None else range(asked.seed, asked.seed + (asked.episodes or 1))
    told = f"{run.task.name}, candidate {actor.candidate}, training seed {actor.training}"
    console.print(Text(clean(f"{told}: playing")))
    performance = perform(actor, asked.isolation, asked.episodes, seeds)
    played = count(len(performance.played), "episode")
    console.print(Text(clean(f"{performance.succeeded} of {played} succeeded; filming {len(performance.scenes)}")))
    files, note = _filmed(actor, performance, asked)
    console.print(_table(run, performance, files))
    where = f"wrote {files[0] if asked.out else files[0].parent}"
    console.print(Text(clean(f"{where}; {note}" if note else where)))
    own = ("--training", str(actor.training), "--seed", str(performance.scenes[0].episode.seed))
    console.print(Text(clean(f"one of them again: {shlex.join((*command, *own, *_given(asked)))}")))


def _given(asked: Asked) -> list[str]:
    """The options that an episode needs to be made again as it was, as they were given."""
    given = [] if asked.reward is None else ["--reward", str(asked.reward)]
    given += [] if asked.isolation == "B" else ["--isolation", asked.isolation]
    return given + (["--trust", *asked.trust] if asked.trust else [])


def _filmed(actor: Actor, performance: Performance, asked: Asked) -> tuple[list[Path], str]:
    """Paths of the films, one an episode (the same where one film holds all), and what has to be said of them."""
    from autoreward.report.films import folder_of
    from autoreward.report.rollouts import film_together, keep

    if asked.out is not None:
        path, note = film_together(actor, performance, asked.out, asked.frames)
        return [path] * len(performance.scenes), note
    kept = keep(actor, performance, asked.frames)
    return [folder_of(actor.run, actor.candidate) / one.file for one in kept.rollouts], kept.note


def _check_kept(actor: Actor) -> None:
    """Refuse, before anything is played, a run folder in which no film could be kept."""
    from autoreward.records import write_bytes
    from autoreward.report.films import folder_of
    from autoreward.report.rollouts import check_own

    check_own(folder := folder_of(actor.run, actor.candidate))
    try:
        write_bytes(probe := folder / ".probe", b"")
        probe.unlink()
    except OSError as error:
        raise UserError(f"{folder} cannot be written: {error.strerror or error}; name a film with --out FILE") from None


def _table(run: Run, performance: Performance, files: list[Path]) -> RenderableType:
    """A row an episode."""
    scored = run.task.score is not None
    columns = ["", "seed", "steps", "how it ended", *(["score"] if scored else []), "file"]
    rows = [
        (
            ", ".join(choice.labels),
            str(scene.episode.seed),
            str(scene.episode.steps),
            ", ".join(["success" if scene.episode.success else "no success", *scene.episode.outcomes]),
            *([number(scene.episode.score)] if scored else []),
            f"{path.name} ({path.stat().st_size / 1e6:.1f} MB)",
        )
        for choice, scene, path in zip(performance.choices, performance.scenes, files, strict=True)
    ]
    return table(columns, rows, numbers=("seed", "steps", "score"))
