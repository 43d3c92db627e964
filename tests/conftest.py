"""Fixtures that several folders of tests share."""

import os
import shutil
import site
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOBODY = 65534
Unprivileged = Callable[..., subprocess.CompletedProcess[str]]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Lines that tests have recorded as `told`, also where other processes ran them."""
    for report in [each for outcome in ("passed", "failed") for each in terminalreporter.stats.get(outcome, [])]:
        for name, line in report.user_properties:
            if name == "told":
                terminalreporter.write_line(str(line))


@pytest.fixture(scope="session")
def unprivileged_python() -> Iterator[Path]:
    """An interpreter with the project's packages that a user without rights may run.

    Where the tests run as root, Python may lie in a folder that is root's alone (`/root/.pyenv`): it is then linked,
    or copied, to a folder that everybody may read. That is none of pytest's: any session that starts closes those.
    """
    executable = Path(sys.executable)
    if not can_enter(ROOT):
        pytest.skip(f"{ROOT} lies in a folder that only its owner may enter, so no other user can run what is there")
    if os.geteuid() != 0 or can_run(executable):
        yield executable
        return
    with tempfile.TemporaryDirectory(prefix="python-") as folder:
        place = Path(folder)
        place.chmod(0o755)
        yield linked_python(place)


def linked_python(place: Path) -> Path:
    """Python and the project's packages in `place`, for everybody.

    Of the base only what Python itself needs: other packages that are installed there can be fifty thousand files.
    """
    base, left_out = place / "base", shutil.ignore_patterns("site-packages", "test", "idlelib", "lib2to3", "share")
    try:
        shutil.copytree(sys.base_prefix, base, symlinks=True, ignore=left_out, copy_function=os.link)
    except (OSError, shutil.Error):  # on another file system
        shutil.rmtree(base, ignore_errors=True)
        shutil.copytree(sys.base_prefix, base, symlinks=True, ignore=left_out)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    venv = place / "venv"
    subprocess.run([base / "bin" / version, "-m", "venv", "--without-pip", venv], check=True)
    packages = next(path for path in site.getsitepackages() if path.endswith("site-packages"))
    link = venv / "lib" / version / "site-packages" / "packages.pth"
    link.write_text(f"import site; site.addsitedir({packages!r})\n")
    assert can_run(venv / "bin" / "python")
    return venv / "bin" / "python"


def can_enter(folder: Path) -> bool:
    """Whether a user without rights can list it."""
    return not subprocess.run(["ls", folder], check=False, capture_output=True, **_nobody()).returncode


def can_run(executable: Path) -> bool:
    """Whether a user without rights can run it."""
    try:
        return not subprocess.run([executable, "-c", ""], check=False, **_nobody()).returncode
    except PermissionError:
        return False


def _nobody() -> dict[str, object]:
    return {"user": NOBODY, "group": NOBODY, "extra_groups": [], "cwd": "/"} if os.geteuid() == 0 else {}


@pytest.fixture
def unprivileged(unprivileged_python: Path, tmp_path: Path) -> Unprivileged:
    """Runs Python code as a user without rights: `unprivileged(code, *arguments)`; standard output is captured."""

    def run(code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [unprivileged_python, "-c", code, *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", "HOME": "/nonexistent", **environment},
            **_nobody(),
        )

    return run
