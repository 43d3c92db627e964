"""Rollouts of a run's policies: episodes played for looking at, filmed with the reward's terms below, and kept.

Covered: the reward program is run in its cell alone; nothing is written through a link of a run from elsewhere.
Not covered: playing runs the environment in this process, so whoever calls it has made sure that it may be imported.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autoreward.envs.contract import BatchEnv
from autoreward.envs.registry import make_env
from autoreward.errors import CellFailed, UserError
from autoreward.language.static import grammar_of
from autoreward.records import write_bytes, write_record
from autoreward.report.actor import Actor
from autoreward.report.choosing import Choice, choose
from autoreward.report.films import FILE, RECORD, Rollout, Rollouts, folder_of, for_page
from autoreward.report.playing import Episode, Recorded, check_fits, play, player, with_human_reward, with_terms
from autoreward.report.video import Film, Films, Scene, film, strips
from autoreward.reward.reward import Reward
from autoreward.sandbox.isolation import Level
from autoreward.training.policy import Policy
from autoreward.training.seeds import derive

EPISODES, MOST_STEPS = 50, 30_000
"""Episodes that are played to choose from, and steps after which no other one is begun, where the user does not say."""
FRAMES, PAGE_FRAMES = 60, 30
"""Pictures of a film that is kept, and of one that a run makes at its end: a page holds three, and is mailed."""


@dataclass(frozen=True)
class Performance:
    """Episodes of an actor, played."""

    played: tuple[Episode, ...]
    choices: tuple[Choice, ...]
    scenes: tuple[Scene, ...]
    """One a choice, with the reward's terms."""
    note: str = ""

    def for_page(self) -> Performance:
        """The same with the scenes alone that a page shows."""
        places = for_page([choice.labels for choice in self.choices])
        choices = tuple(self.choices[place] for place in places)
        return replace(self, choices=choices, scenes=tuple(self.scenes[place] for place in places))

    @property
    def succeeded(self) -> int:
        """How many did."""
        return sum(episode.success for episode in self.played)


def perform(
    actor: Actor, least: Level = "B", episodes: int | None = None, seeds: Sequence[int] | None = None
) -> Performance:
    """Play, choose, and score what is chosen.

    Each episode is played by itself and begins from its own seed, so that the seed alone makes it again.

    Args:
        actor: who plays.
        least: isolation of the cell that its program is run in.
        episodes: how many are played to choose from; None: up to 50, fewer where they are long. Their seeds are those
            of the training's final evaluation.
        seeds: play these and take all of them, in place of choosing.

    Raises:
        IsolationTooWeak: the program's cell would be isolated less; the message says how to accept that.
        UserError: the policy does not read or does not fit, or the environment goes another way each time.
    """
    env = make_env(actor.task.env, 1)
    try:
        policy = Policy.load(actor.policy)
        check_fits(policy, env, str(actor.policy))
        with Reward(actor.source, env.schema, grammar_of(actor.source), isolation=least) as reward:
            stage = _Stage(env, actor, policy, reward)
            return stage.chosen(episodes) if seeds is None else stage.given(seeds)
    finally:
        env.close()


class _Stage:
    """Where an actor plays."""

    def __init__(self, env: BatchEnv, actor: Actor, policy: Policy, reward: Reward) -> None:
        self._env, self._actor, self._policy, self._reward = env, actor, policy, reward
        self._note = ""
        try:
            reward.start()
        except CellFailed as error:
            self._note = _without_terms(error)

    def chosen(self, episodes: int | None) -> Performance:
        seeds = derive(self._actor.training, "final", episodes or EPISODES)
        played: list[Episode] = []
        for seed in seeds:
            played.append(self._play(seed).episode)
            if episodes is None and sum(one.steps for one in played) >= MOST_STEPS:
                break
        choices = choose(played, self._actor.task.outcomes)
        again = [self._scored(played[choice.index].seed, played[choice.index]) for choice in choices]
        scenes = tuple(self._scene(one, choice) for one, choice in zip(again, choices, strict=True))
        return Performance(tuple(played), tuple(choices), scenes, self._note)

    def given(self, seeds: Sequence[int]) -> Performance:
        played = [self._scored(seed) for seed in seeds]
        choices = tuple(Choice(index, ()) for index in range(len(played)))
        scenes = tuple(self._scene(one, choice) for one, choice in zip(played, choices, strict=True))
        return Performance(tuple(played), choices, scenes, self._note)

    def _play(self, seed: int, fields: Sequence[str] = ()) -> Recorded:
        task = self._actor.task
        return play(self._env, task, player(self._env, task, self._policy, seed), seed, fields)

    def _scored(self, seed: int, before: Episode | None = None) -> Episode:
        """An episode with its terms: played with the fields that the program reads, which of all would be too much."""
        program = self._reward.program
        recorded = self._play(seed, (*program.state_fields, *program.next_state_fields))
        if before is not None and recorded.episode.actions != before.actions:
            raise UserError(f"{self._env.schema.env_id} goes another way each time, with the same seed and policy")
        if not self._note:
            try:
                return with_terms(recorded, self._reward)
            except CellFailed as error:
                self._note = _without_terms(error)
        return with_human_reward(recorded)

    def _scene(self, episode: Episode, choice: Choice) -> Scene:
        what = f"{self._actor.candidate}  {', '.join(choice.labels)}".strip()
        return Scene(episode=episode, title=f"seed {episode.seed}   {what}")


def _without_terms(error: CellFailed) -> str:
    return f"the environment's own reward is shown in place of the program's terms: {error}"


def keep(actor: Actor, performance: Performance, frames: int | None = None) -> Rollouts:
    """Film what was played into the run folder, a file an episode, with a record that `report.html` reads.

    Where nothing can be drawn, the terms are, and the record's note says why.

    Args:
        actor: who played.
        performance: what.
        frames: pictures of a film, at most; None: 60.

    Raises:
        OSError: the folder cannot be written.
        UserError: it is a link.
    """
    folder = folder_of(actor.run, actor.candidate)
    check_own(folder)
    scenes, chosen = performance.scenes, any(choice.labels for choice in performance.choices)
    names = _names(performance)
    note, ending = performance.note, ".gif"
    films = tuple(
        Film(scenes=(scene,), out=(folder / f"{name}.gif").resolve(), frames=frames or FRAMES)
        for scene, name in zip(scenes, names, strict=True)
    )
    folder.mkdir(parents=True, exist_ok=True)
    try:
        film(Films(task=actor.task, films=films))
    except UserError as error:
        note, ending = _noted(performance, error), ".png"
        for scene, name in zip(scenes, names, strict=True):
            write_bytes(folder / f"{name}.png", strips([scene]))
    rollouts = Rollouts(
        candidate=actor.candidate,
        training=actor.training,
        played=len(performance.played),
        succeeded=performance.succeeded,
        note=note,
        rollouts=tuple(
            _rollout(scene.episode, choice, name + ending)
            for scene, choice, name in zip(scenes, performance.choices, names, strict=True)
        ),
    )
    if chosen:
        _replace(folder, rollouts)
    return rollouts


def film_together(actor: Actor, performance: Performance, out: Path, frames: int | None = None) -> tuple[Path, str]:
    """Film what was played into one file; the terms alone, as a PNG, where nothing can be drawn.

    Returns:
        The file, and what has to be said of it; empty where all is as it was asked for.
    """
    try:
        film(Films(task=actor.task, films=(Film(scenes=performance.scenes, out=out.resolve(), frames=frames),)))
    except UserError as error:
        write_bytes(out := out.with_suffix(".png"), strips(performance.scenes))
        return out, _noted(performance, error)
    return out, performance.note


def _noted(performance: Performance, error: UserError) -> str:
    return "; ".join(part for part in (performance.note, f"no pictures, only the terms: {error}") if part)


def keep_nothing(actor: Actor, note: str) -> None:
    """Record that there are no rollouts, and why."""
    folder = folder_of(actor.run, actor.candidate)
    check_own(folder)
    record = Rollouts(candidate=actor.candidate, training=actor.training, played=0, succeeded=0, note=note)
    write_record(folder / RECORD, record)


def _rollout(episode: Episode, choice: Choice, file: str) -> Rollout:
    return Rollout(
        labels=choice.labels,
        seed=episode.seed,
        steps=episode.steps,
        success=episode.success,
        outcomes=episode.outcomes,
        score=episode.score,
        file=file,
    )


def _names(performance: Performance) -> list[str]:
    """A file name for each scene, without its ending: what it was chosen for, or its seed."""
    names: list[str] = []
    for scene, choice in zip(performance.scenes, performance.choices, strict=True):
        label = choice.labels[0] if choice.labels else f"seed-{scene.episode.seed}"
        name = re.sub(r"[^A-Za-z0-9_]+", "-", label).strip("-")[:60] or "episode"
        names.append(f"{name}-{len(names)}" if name in names else name)
    return names


def check_own(folder: Path) -> None:
    """Raise `UserError` where a link in a run from elsewhere would lead what is written to another place."""
    if folder.is_symlink() or folder.parent.is_symlink():
        raise UserError(f"{folder} leads elsewhere; name a file with --out, or remove the link")


def _replace(folder: Path, rollouts: Rollouts) -> None:
    """Write the record, and remove films that no record names any more."""
    write_record(folder / RECORD, rollouts)
    named = {rollout.file for rollout in rollouts.rollouts}
    for path in folder.iterdir():
        if re.match(FILE, path.name) and path.name not in named and not path.name.startswith("seed-"):
            path.unlink()
