from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from autoreward.task import task_names
from benchmarks.tasks import APART, NOT_HERE, chosen, page

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "tasks.md").read_text()


def test_the_page_says_which_tasks_it_leaves_out_and_where_those_are() -> None:
    assert NOT_HERE in PAGE and NOT_HERE in page({}, 3)
    assert all(f"`{world}`" in NOT_HERE for world in APART)
    told = {line.split("|")[1].strip() for line in PAGE.splitlines() if line.startswith("| ")}
    assert {name for name in task_names() if name not in told} == {n for n in task_names() if n.startswith(APART)}
    assert set(chosen(())) <= told


def test_a_world_is_asked_for_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen(("voxel/",)) == tuple(name for name in task_names() if name.startswith("voxel/"))
    assert chosen(("reacher", "crafter/eat_cow" if importlib.util.find_spec("crafter") else "hopper"))[0] == "reacher"
    monkeypatch.setattr("benchmarks.tasks.find_spec", lambda name: None)
    with pytest.raises(SystemExit, match=r"pip install 'autoreward\[crafter\]'"):
        chosen(("crafter/",))
