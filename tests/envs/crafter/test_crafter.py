"""Crafter with fields: the same game as its own environment, told in arrays; bad input; a pack that trains."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from autoreward.cli import main
from autoreward.envs.crafter.env import INPUTS, CrafterEnv
from autoreward.envs.crafter.view import ACHIEVEMENTS, ACTIONS, IDS, ITEMS, UNSEEN, around, check_lists, nearest
from autoreward.envs.episodes import EpisodeJudge
from autoreward.envs.registry import describe, make_env
from autoreward.errors import UserError
from autoreward.task import EnvSpec, load_task, task_names
from autoreward.testing.env import check_batch_env

PACK = [name for name in task_names() if name.partition("/")[0] == "crafter"]
DO, RIGHT, PLACE_TABLE, MAKE_PICKAXE = (
    ACTIONS.index(name) for name in ("do", "move_right", "place_table", "make_wood_pickaxe")
)


@pytest.fixture
def crafter() -> ModuleType:
    return pytest.importorskip("crafter", reason="pip install 'autoreward[crafter]'")  # type: ignore[no-any-return]


def begun(seed: int = 0, length: int = 200) -> CrafterEnv:
    env = CrafterEnv(length)
    env.reset(seed=seed)
    return env


def put(env: CrafterEnv, material: str, **carried: int) -> CrafterEnv:
    """A material right of the agent, and things in its hands."""
    game = env._game
    x, y = game._player.pos
    game._world[x + 1, y] = material
    game._player.inventory.update(carried)
    return env


def test_without_crafter_it_is_said_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "crafter", None)
    with pytest.raises(UserError, match=r"Crafter is not installed .*pip install 'autoreward\[crafter\]'"):
        describe(EnvSpec(id="autoreward/Crafter-v0", kwargs={"length": 77}))


def test_another_version_of_crafter_is_refused() -> None:
    class Other:
        actions = [*ACTIONS, "fly"]

    with pytest.raises(UserError, match=r"other actions; type pip install 'crafter>=1\.8,<2'"):
        check_lists(Other)


def test_the_view_is_around_the_agent_and_creatures_hide_the_ground() -> None:
    grounds, objects = np.full((64, 64), 2), np.zeros((64, 64), dtype=np.int64)
    grounds[1, 0] = 6  # a tree, one right and none down
    objects[0, 2] = 1
    view = around(grounds, objects, [0, IDS.index("cow")], np.array([0, 0]))
    assert view.shape == (7, 9)
    assert (view[:, :4] == 0).all()  # west of the map
    assert (view[:3] == 0).all()  # north of it
    assert view[3, 5] == IDS.index("tree")
    assert view[5, 4] == IDS.index("cow")
    distance = nearest(view)
    assert distance[IDS.index("tree") - 1] == 1
    assert distance[IDS.index("cow") - 1] == 2
    assert distance[IDS.index("diamond") - 1] == UNSEEN
    assert distance[IDS.index("grass") - 1] == 0


@pytest.mark.slow
@pytest.mark.usefixtures("crafter")
class TestWithCrafter:
    @pytest.mark.parametrize("name", PACK)
    def test_the_pack_is_whole(self, name: str) -> None:
        task = load_task(name)
        schema = describe(task.env)
        EpisodeJudge(task, schema, 1, measures=True)
        env = make_env(task.env, 2)
        env.action_space.seed(1)
        obs, _ = env.reset(seed=1)
        for _ in range(60):
            assert obs.shape == (2, INPUTS)
            for field in schema.fields:
                value = env.read([field.name])[field.name]
                assert value.shape == (2, *field.shape)
                assert value.dtype == field.dtype
                assert field.low is None or value.min() >= field.low
                assert field.high is None or value.max() <= field.high
            obs, *_ = env.step(env.random_actions())
        env.close()

    def test_it_keeps_the_contracts(self) -> None:
        check_env(CrafterEnv(50), skip_render_check=True)
        check_batch_env(lambda n: make_env(EnvSpec(id="autoreward/Crafter-v0", kwargs={"length": 40}), n), steps=20)
        assert gymnasium.make("autoreward.envs.crafter.gym:autoreward/Crafter-v0").unwrapped.schema.step_limit == 10_000
        assert begun().render().shape == (270, 270, 3)

    def test_it_is_crafters_own_game(self, crafter: Any) -> None:
        """Step by step with `crafter.Env` from the same number: reward, inventory, place, achievements."""
        env = begun(seed=3, length=400)
        own = crafter.Env(length=None, seed=env._game._seed)
        own.reset()
        random = np.random.default_rng(3)
        start = own._player.pos.copy()
        for _ in range(9):  # after ten steps its creatures come and go in an order by their addresses
            action = int(random.integers(len(ACTIONS)))
            _, reward, terminated, _, info = env.step(np.int64(action))
            _, expected, done, told = own.step(action)
            assert (reward, terminated) == (expected, bool(done))
            assert info["inventory"].tolist() == [told["inventory"][name] for name in ITEMS]
            assert info["achievements"].tolist() == [told["achievements"][name] for name in ACHIEVEMENTS]
            assert info["position"].tolist() == (told["player_pos"] - start).tolist()

    def test_the_same_seed_is_the_same_episode_in_every_process(self) -> None:
        program = (
            "import numpy as np, zlib\n"
            "from autoreward.envs.crafter.env import CrafterEnv\n"
            "env = CrafterEnv(300)\n"
            "obs, _ = env.reset(seed=5)\n"
            "total, random = zlib.crc32(obs.tobytes()), np.random.default_rng(5)\n"
            "for _ in range(250):\n"
            "    obs, _, ended, cut, _ = env.step(random.integers(1, 6))\n"
            "    total = zlib.crc32(obs.tobytes(), total)\n"
            "    if ended or cut: break\n"
            "print(total)\n"
        )
        said = {
            subprocess.run(
                [sys.executable, "-c", program],
                env={"PYTHONHASHSEED": hashing},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for hashing in ("1", "2", "3")
        }
        assert len(said) == 1

    def test_wood_and_a_table_are_seen_counted_and_achieved(self) -> None:
        env = put(begun(), "tree", wood=1)
        *_, info = env.step(np.int64(RIGHT))
        assert not info["moved"]
        assert info["facing"].tolist() == [1, 0]
        assert IDS[info["ahead"]] == "tree"
        assert info["seen"][IDS.index("tree") - 1]
        assert info["distance"][IDS.index("tree") - 1] == 1
        *_, info = env.step(np.int64(DO))
        assert info["inventory"][ITEMS.index("wood")] == 2
        assert info["achievements"][ACHIEVEMENTS.index("collect_wood")] == 1
        put(env, "grass", wood=3)
        assert not info["table_near"]
        _, reward, _, _, info = env.step(np.int64(PLACE_TABLE))
        assert reward == pytest.approx(1, abs=0.11)
        assert info["table_near"]
        assert info["unlocked"] == 2
        *_, info = env.step(np.int64(MAKE_PICKAXE))
        assert info["inventory"][ITEMS.index("wood_pickaxe")] == 1
        assert info["achievements"][ACHIEVEMENTS.index("make_wood_pickaxe")] == 1

    def test_lava_kills_and_the_limit_cuts_off(self) -> None:
        _, _, terminated, _, info = put(begun(), "lava").step(np.int64(RIGHT))
        assert terminated
        assert info["died"]
        assert info["damage"] == 9
        env = begun(length=2)
        assert not env.step(np.int64(0))[3]
        assert env.step(np.int64(0))[3]
        with pytest.raises(RuntimeError, match="reset first"):
            env.step(np.int64(0))
        with pytest.raises(UserError, match=r"0\.\.16"):
            env.step(np.int64(17))
        with pytest.raises(UserError, match="at least 1 step"):
            CrafterEnv(0)

    def test_a_short_training_on_the_batch_trainer(self, tmp_path: Path) -> None:
        reward = tmp_path / "reward.py"
        reward.write_text(
            'IDEA = "Wood in the hands, then a table."\n\n\n'
            "def sparse(state, action, next_state, memory):\n"
            '    return {"table": next_state["achievements"][:, 20] > state["achievements"][:, 20]}\n\n\n'
            "def dense(state, action, next_state, memory):\n"
            '    return {"wood": 1.0 * (next_state["inventory"][:, 1] > state["inventory"][:, 1])}\n'
        )
        words = ["train", str(reward), "--env", "crafter/place_table", "--seeds", "1", "--steps", "2000"]
        settings = [
            "--trainer.num_envs",
            "8",
            "--trainer.rollout",
            "32",
            "--trainer.evaluation_episodes",
            "2",
            "--episodes",
            "2",
        ]
        assert main([*words, *settings, "--runs", str(tmp_path / "runs")]) == 0
