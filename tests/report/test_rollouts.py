"""Rollouts: episodes that their seeds make again, films beside a record of them, and terms where nothing is drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autoreward.envs.registry import make_env
from autoreward.errors import UserError
from autoreward.records import read_record
from autoreward.report.actor import Actor
from autoreward.report.films import RECORD, Rollouts, folder_of
from autoreward.report.playing import OWN, TOTAL
from autoreward.report.rollouts import Performance, film_together, keep, keep_nothing, perform
from autoreward.task import EnvSpec, SuccessRule, Task, TrainerSettings, load_task
from autoreward.testing.trainer import CLIMB, line_task, random_policy
from autoreward.training.seeds import derive

CART = Task(
    name="cart",
    text="Go to the right.",
    env=EnvSpec(id="CartPole-v1"),
    success=SuccessRule(expression="cart_position > 0", rule="final"),
    outcomes={"left": "cart_position <= 0", "fast": "abs(cart_velocity) > 0.5"},
)
REWARD = """
IDEA = "Where the cart is."
WEIGHTS = {"right": 2.0, "steps": 1.0}

def compute_reward(state, action, next_state, memory):
    steps = memory.get("steps", np.zeros_like(state["cart_position"])) + 1.0
    memory["steps"] = steps
    return {"right": next_state["cart_position"], "steps": steps}
"""


def actor_of(task: Task, source: str, folder: Path) -> Actor:
    env = make_env(task.env, 1)
    policy = random_policy(env.single_observation_space, env.single_action_space, seed=0)
    env.close()
    policy.save(folder / "policy.safetensors")
    return Actor(folder, "1.2", source, 3, folder / "policy.safetensors", task)


@pytest.fixture
def actor(tmp_path: Path) -> Actor:
    """Plays CartPole, which is drawn without OpenGL."""
    return actor_of(CART, REWARD, tmp_path)


@pytest.mark.parametrize("acting", ["best", "drawn"])
def test_an_episode_is_made_again_by_its_seed_alone(actor: Actor, acting: str) -> None:
    task = CART.model_copy(update={"trainer": TrainerSettings(acting=acting)})  # type: ignore[arg-type]
    actor = replace(actor, task=task)
    performance = perform(actor, "C", episodes=12)
    assert [one.seed for one in performance.played] == derive(3, "final", 12), "those of the training's evaluation"
    for scene in performance.scenes:
        again = perform(actor, "C", seeds=[scene.episode.seed])
        assert again.scenes[0].episode == scene.episode
        assert again.choices[0].labels == ()


def test_what_is_chosen_is_told_and_scored_by_the_program(actor: Actor) -> None:
    performance = perform(actor, "C", episodes=12)
    chosen = {
        label: scene
        for choice, scene in zip(performance.choices, performance.scenes, strict=True)
        for label in choice.labels
    }
    assert {"best", "median", "worst", "failed: left"} <= chosen.keys()
    assert chosen["best"].episode.success and not chosen["failed: left"].episode.success
    assert performance.succeeded == sum(one.success for one in performance.played)
    best = chosen["best"]
    assert list(best.episode.courses) == [TOTAL, "right", "steps"]
    assert np.allclose(best.episode.courses["steps"], np.arange(1, best.episode.steps + 1))
    assert "1.2" in best.title and "best" in best.title and str(best.episode.seed) in best.title


def test_films_lie_beside_a_record_that_names_them(actor: Actor) -> None:
    outcomes = {"../../x y": "cart_position <= 0", "..": "cart_position <= 0"}
    actor, folder = replace(actor, task=CART.model_copy(update={"outcomes": outcomes})), folder_of(actor.run, "1.2")
    folder.mkdir(parents=True)
    for name in ("failed-gone.gif", "seed-7.gif", "mine.txt"):
        (folder / name).write_text("old")
    performance = perform(actor, "C", episodes=8)
    kept = keep(actor, performance, frames=5)
    assert read_record(folder / RECORD, Rollouts) == kept
    assert (kept.played, kept.succeeded, kept.training, kept.note) == (8, performance.succeeded, 3, "")
    files = {one.file for one in kept.rollouts}
    assert {str(path.relative_to(folder)) for path in actor.run.rglob("*.gif")} == files | {"seed-7.gif"}
    assert any("failed: ../../x y" in one.labels for one in kept.rollouts), "names of outcomes are no paths"
    assert (folder / "mine.txt").exists()
    for one, scene in zip(kept.rollouts, performance.scenes, strict=True):
        assert (one.seed, one.steps, one.outcomes) == (scene.episode.seed, scene.episode.steps, scene.episode.outcomes)
        with Image.open(folder / one.file) as read:
            assert read.n_frames == 5  # type: ignore[attr-defined]


def test_an_episode_of_a_given_seed_changes_nothing_of_what_a_page_shows(actor: Actor) -> None:
    keep_nothing(actor, "no rollouts: nobody knows")
    record = read_record(folder_of(actor.run, "1.2") / RECORD, Rollouts)
    assert (record.rollouts, record.note) == ((), "no rollouts: nobody knows")
    kept = keep(actor, perform(actor, "C", seeds=[5]), frames=2)
    assert [one.file for one in kept.rollouts] == ["seed-5.gif"]
    assert (folder_of(actor.run, "1.2") / "seed-5.gif").is_file()
    assert read_record(folder_of(actor.run, "1.2") / RECORD, Rollouts) == record


def test_a_page_is_given_three_films_at_most(actor: Actor) -> None:
    whole = perform(actor, "C", episodes=12)
    few = whole.for_page()
    assert len(few.scenes) == len(few.choices) <= 3
    assert few.played == whole.played
    assert few.choices[0].labels[0] == "best"


def drawn_without_picture(performance: Performance, kept: Rollouts, folder: Path) -> None:
    assert [one.file for one in kept.rollouts] == [path.name for path in sorted(folder.glob("*.png"))]
    assert not list(folder.glob("*.gif"))
    assert len(kept.rollouts) == len(performance.scenes)
    with Image.open(folder / kept.rollouts[0].file) as strip:
        assert strip.width > 800 > strip.height


def test_an_environment_that_cannot_be_drawn_has_its_terms(tmp_path: Path) -> None:
    actor = actor_of(line_task(), CLIMB, tmp_path)
    performance = perform(actor, "C", episodes=1)
    kept = keep(actor, performance)
    drawn_without_picture(performance, kept, folder_of(tmp_path, "1.2"))
    assert "no pictures, only the terms: " in kept.note and "cannot draw pictures" in kept.note
    assert "OpenGL" not in kept.note


def test_a_machine_without_opengl_has_the_terms_and_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUJOCO_GL", "disable")
    task = load_task("reacher")
    actor = actor_of(
        task,
        'WEIGHTS = {"near": 1.0}\n\ndef compute_reward(state, action, next_state, memory):\n'
        '    return {"near": -np.linalg.norm(next_state["target_offset"], axis=-1)}\n',
        tmp_path,
    )
    performance = perform(actor, "C", seeds=[4])
    path, note = film_together(actor, performance, tmp_path / "film.gif")
    assert path == tmp_path / "film.png" and path.is_file() and not (tmp_path / "film.gif").exists()
    assert "apt install" in note and "\n" not in note


def test_a_program_that_fails_in_an_episode_gives_way_to_the_own_reward(actor: Actor) -> None:
    failing = REWARD.replace('"steps": steps}', '"steps": 1.0 / (steps - 5.0)}')
    performance = perform(replace(actor, source=failing), "C", episodes=2)
    assert "the environment's own reward is shown" in performance.note and "`steps`" in performance.note
    assert all(list(scene.episode.courses) == [OWN] for scene in performance.scenes)


def test_a_link_leads_nothing_out_of_the_run(actor: Actor, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (actor.run / "rollouts").symlink_to(elsewhere)
    with pytest.raises(UserError, match="leads elsewhere"):
        keep(actor, perform(actor, "C", episodes=1))
    assert not list(elsewhere.iterdir())


def test_a_policy_of_another_environment_is_refused(actor: Actor) -> None:
    with pytest.raises(UserError, match="policy for another environment"):
        perform(replace(actor, task=CART.model_copy(update={"env": EnvSpec(id="Pendulum-v1")})), "C")
