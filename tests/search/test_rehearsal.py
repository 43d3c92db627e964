"""A broken template of the user's own is found before anything is paid for."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoreward.cli import main
from autoreward.config import LLMConfig
from autoreward.envs.registry import describe
from autoreward.errors import UserError
from autoreward.llm.scripted import ScriptedChat
from autoreward.prompts.render import BUILT_IN, Templates, template_names
from autoreward.search.loop import start
from autoreward.search.observer import Observer
from autoreward.search.rehearsal import rehearse
from autoreward.task import load_task
from autoreward.testing.engine import InProcessEngine
from autoreward.testing.run import small_run
from autoreward.testing.trainer import line_task


def override(folder: Path, name: str, text: str) -> Path:
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_text(text)
    return folder


def broken(folder: Path, name: str) -> Path:
    """The built-in template with a fault in its last line."""
    return override(folder, name, (BUILT_IN / name).read_text() + "{{ tsak.text }}\n")


@pytest.mark.parametrize("name", ["reacher", "lunar_lander", "voxel/approach_tree"])
@pytest.mark.parametrize("effort", ["full", "small"])
def test_the_built_in_templates_render(name: str, effort: str) -> None:
    task = load_task(name)
    task = task.model_copy(update={"grammar": "terms" if effort == "small" else task.grammar})
    rehearse(Templates(), task, describe(task.env), "small" if effort == "small" else "full")


OF_ANOTHER_EFFORT = {
    "full": ("designer/small.md.j2", "designer/skeleton.md.j2", "designer/example_signs.md.j2"),
    "small": ("designer/system.md.j2", "designer/example_terms.md.j2", "designer/example_signs.md.j2"),
}


@pytest.mark.parametrize("name", template_names())
def test_a_fault_in_any_template_of_a_run_is_found(tmp_path: Path, name: str) -> None:
    efforts = [effort for effort, others in OF_ANOTHER_EFFORT.items() if name not in others]
    task, templates = load_task("reacher"), Templates(broken(tmp_path / "prompts", name))
    for effort in efforts:
        with pytest.raises(UserError, match=rf"{name}:\d+: 'tsak' is undefined"):
            rehearse(templates, task, describe(task.env), "small" if effort == "small" else "full")
    assert efforts or "signs" in name


@pytest.mark.parametrize("name", ["critic/review.md.j2", "analyzer/system.md.j2", "designer/repair.md.j2"])
def test_a_run_with_one_never_starts(tmp_path: Path, name: str) -> None:
    """Nothing is asked, and there is no run folder."""
    config = small_run(tmp_path / "runs", llm=LLMConfig(prompts=broken(tmp_path / "prompts", name)))
    chat = ScriptedChat([])
    with pytest.raises(UserError, match=rf"{name}:\d+: 'tsak' is undefined"):
        start(line_task(), config, Observer(), chat=chat, engine=InProcessEngine())
    assert chat.asked == []
    assert not (tmp_path / "runs").exists()


def test_a_dry_run_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = broken(tmp_path / "prompts", "analyzer/analyze.md.j2")
    arguments = ["run", "reacher", "--designer", "llm", "--llm.prompts", str(folder), "--dry-run"]
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert "analyzer/analyze.md.j2" in told.err
    assert "autoreward prompts copy" in told.err
    assert told.out == ""
