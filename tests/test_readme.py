"""The README tells the truth: its tree, its help output and its commands."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BIN = Path(sys.executable).parent
ENVIRONMENT = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "COLUMNS": "80", "NO_COLOR": "1"}


def run(command: str, folder: Path = ROOT, timeout: int = 120) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        shlex.split(command), cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=timeout
    )


def documented() -> dict[str, str]:
    """The console blocks' commands with the output that the README shows."""
    found: dict[str, str] = {}
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found[command] = output.strip()
    return found


def test_first_commands_are_the_demo_and_the_tests() -> None:
    assert list(documented())[:2] == ["make demo", "make test"]


@pytest.mark.parametrize("command", [command for command in documented() if command.startswith("autoreward")])
def test_output_is_as_documented(command: str) -> None:
    shown = run(command)
    assert shown.returncode == 0, shown.stderr
    assert [line.rstrip() for line in shown.stdout.strip().splitlines()] == [
        line.rstrip() for line in documented()[command].splitlines()
    ]


@pytest.mark.parametrize("command", [command for command in documented() if command.startswith("make")])
def test_make_targets_exist(command: str) -> None:
    shown = run(f"{command.replace('make', 'make --dry-run', 1)}")
    assert shown.returncode == 0, shown.stderr


def inline_commands() -> list[str]:
    code = [" ".join(code.split()) for code in re.findall(r"`(autoreward [^`]+)`", README)]
    return sorted({command for command in code if not command.startswith("autoreward.")})


def test_every_command_of_the_text_is_one() -> None:
    """Each `autoreward ...` in the text names a subcommand, and only flags that its help knows."""
    assert len(inline_commands()) >= 6
    helps: dict[str, str] = {}
    for command in inline_commands():
        name = command.split()[1]
        shown = helps.setdefault(name, run(f"autoreward {name} --help").stdout)
        assert shown, f"`{command}`: there is no command {name}"
        for flag in re.findall(r"--[a-z-]+", command):
            assert flag in shown, f"`{command}`: {name} has no {flag}"


def test_the_cartpole_example_is_a_valid_plan() -> None:
    command = next(command for command in inline_commands() if "CartPole" in command and " run " in command)
    shown = run(f"{command} --dry-run --designer composer")
    assert shown.returncode == 0, shown.stderr
    assert "pole_angle" in shown.stdout


def test_the_reward_program_passes_the_critic(tmp_path: Path) -> None:
    program = re.search(r"```python\n(IDEA.*?)```", README, re.DOTALL)
    assert program
    (tmp_path / "reward.py").write_text(program[1])
    shown = run(f"autoreward verify {tmp_path / 'reward.py'} --env reacher")
    assert shown.returncode == 0, shown.stdout + shown.stderr


def test_tree_matches_the_folders() -> None:
    block = re.search(r"## What is where\n\n```\n(.*?)```", README, re.DOTALL)
    assert block
    told: set[str] = set()
    parent = ""
    for line in block[1].splitlines():
        name = line.split()[0]
        parent = parent if line.startswith(" ") else name
        told.add(f"{parent}{name}" if line.startswith(" ") else name)
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    real = {f"{Path(name).parts[0]}/" for name in tracked if "/" in name and not name.startswith(".")}
    inside = {Path(name).parts[1] for name in tracked if name.startswith("autoreward/")} - {"py.typed"}
    real |= {
        f"autoreward/{name}{'/' if (ROOT / 'autoreward' / name).is_dir() else ''}"
        for name in inside
        if not name.startswith("__")
    }
    assert told == real


def test_linked_pages_exist() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / target).exists(), f"README links to {target}"


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_make_demo_on_a_fresh_clone(tmp_path: Path) -> None:
    """What a stranger gets: a clone, a fresh virtual environment, one command."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    shown = subprocess.run(
        ["make", "demo"],
        cwd=clone,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    shutil.rmtree(clone / ".venv", ignore_errors=True)
    assert shown.returncode == 0, shown.stdout[-2000:] + shown.stderr[-2000:]
    page = next((clone / "runs").glob("*/report.html"))
    assert str(page.relative_to(clone)) in shown.stdout.replace("\n", "")
    assert all(word in shown.stdout for word in ("random", "sparse", "designed"))
    assert (page.parent / "best" / "reward.py").exists()
