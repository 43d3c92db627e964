"""Packs whose tasks have environments, tiers and worlds of their own; and which worlds a training is judged in."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoreward.api import TaskChoice, pack_task
from autoreward.errors import UnknownName, UserError
from autoreward.task import SuccessRule, Task, load_task, task_names
from autoreward.training.contract import RewardSpec, TrainingJob

PACK = """
env: {id: CartPole-v1, kwargs: {split: train}, evaluation: {split: validation}, report: {split: test}}
tasks:
  stand:
    env: {kwargs: {pole: long}}
    text: Stand.
    success: {expression: "abs(pole_angle) < 0.1", rule: final}
    tiers:
      standard: {}
      hard: {env: {id: Acrobot-v1, kwargs: {wind: 3}}, steps: 7}
  lie:
    text: Lie.
    success: {expression: "abs(pole_angle) > 1", rule: final}
"""


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    (tmp_path / "own.yaml").write_text(PACK)
    return tmp_path


def test_a_tier_is_the_third_part_of_a_name_or_an_option(pack: Path) -> None:
    usual, hard = load_task("own/stand", pack), load_task("own/stand/hard", pack)
    assert (usual.name, usual.steps, usual.env.kwargs) == ("own/stand", 200_000, {"split": "train", "pole": "long"})
    assert (hard.name, hard.steps, hard.env.id) == ("own/stand/hard", 7, "Acrobot-v1")
    assert hard.env.kwargs == {"split": "train", "pole": "long", "wind": 3}
    assert load_task("own/stand", pack, tier="hard") == hard
    assert load_task("own/stand/standard", pack) == usual
    assert load_task("own", pack) == usual  # the first task of the pack, in the first tier
    assert task_names(pack) == ["own/stand", "own/lie"]


@pytest.mark.parametrize(
    ("name", "tier", "said"),
    [
        ("own/stand/hrad", "", "unknown tier 'hrad'. Closest: hard. own/stand has standard, hard."),
        ("own/stand", "x", "unknown tier 'x'. own/stand has standard, hard."),
        ("own/lie", "hard", "unknown tier 'hard'. own/lie has no tiers; leave it out."),
        ("own/stant", "", "unknown task 'own/stant'. Closest: own/stand"),
        ("own/stand/hard", "standard", "leave one of them out"),
    ],
)
def test_wrong_names_say_what_there_is(pack: Path, name: str, tier: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        load_task(name, pack, tier=tier)


def test_users_choose_tiers() -> None:
    assert TaskChoice(task="voxel/diamond_lava", tier="easy").resolve().env.kwargs["tier"] == "easy"
    assert TaskChoice(task="voxel/diamond_lava").resolve().env.kwargs["tier"] == "standard"
    in_a_name = pack_task("voxel/approach_tree/hard")
    assert in_a_name is not None
    assert in_a_name.env.kwargs["tier"] == "hard"
    with pytest.raises(UnknownName, match="unknown tier 'brutal'"):
        TaskChoice(task="voxel/diamond_lava", tier="brutal").resolve()
    with pytest.raises(UnknownName, match=r"unknown tier 'easy'\. reacher has no tiers"):
        TaskChoice(task="reacher", tier="easy").resolve()
    with pytest.raises(UserError, match="--tier is for a task of a pack"):
        TaskChoice(env="CartPole-v1", tier="easy").resolve()


def test_python_of_a_task_or_tier_is_foreign_code_too(tmp_path: Path) -> None:
    for change, where in (("CartPole-v1", "tasks.stand.env.id"), ("Acrobot-v1", "tasks.stand.tiers.hard.env.id")):
        text = PACK.replace("{kwargs: {pole", "{id: CartPole-v1, kwargs: {pole").replace("env: {id: CartPole", "ENV", 1)
        file = tmp_path / "bad.yaml"
        file.write_text(text.replace(f"id: {change}", "id: os:system").replace("ENV", "env: {id: CartPole"))
        with pytest.raises(UserError, match=where):
            load_task(str(file))


def test_worlds_are_made_for_a_use(pack: Path) -> None:
    env = load_task("own/stand", pack).env
    splits = [env.used_for(use).kwargs["split"] for use in ("training", "evaluation", "report")]
    assert splits == ["train", "validation", "test"]
    assert env.used_for("report").used_for("evaluation") == env.used_for("report")


def job(task: Task, reported: bool) -> TrainingJob:
    return TrainingJob(task=task, reward=RewardSpec(kind="sparse"), seed=0, episodes=3, reported=reported)


def test_a_report_is_another_training_only_where_its_worlds_are_others(pack: Path) -> None:
    split, alike = load_task("own/stand", pack), load_task("reacher")
    assert job(split, True).hash != job(split, False).hash
    assert job(alike, True).hash == job(alike, False).hash
    held = split.model_copy(update={"success": SuccessRule(expression="True", rule="held", steps=2)})
    assert job(held, True).hash != job(split, True).hash
