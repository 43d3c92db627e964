"""What installs: the wheel holds everything that the package reads, and the links work from both kinds of install."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import autoreward

ROOT = Path(__file__).parent.parent

PROBE = """
import sys
sys.path.insert(0, sys.argv[1])
import autoreward, pathlib
assert pathlib.Path(autoreward.__file__).is_relative_to(sys.argv[1]), autoreward.__file__
from autoreward.task import load_task, task_names
from autoreward.prompts.render import Templates
from autoreward.envs.registry import describe
assert "reacher" in task_names()
Templates(None)
print(describe(load_task("reacher").env).names[0])
"""


def files_of_the_tree() -> set[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "autoreward", "envs", "prompts"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    moved = {"envs/": "autoreward/envs/", "prompts/": "autoreward/prompts/"}
    names = {
        next((new + name[len(old) :] for old, new in moved.items() if name.startswith(old)), name) for name in listed
    }
    return names - {"autoreward/envs", "autoreward/prompts"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return next(out.glob("*.whl"))


def test_wheel_holds_every_file(wheel: Path) -> None:
    packed = set(zipfile.ZipFile(wheel).namelist())
    assert not files_of_the_tree() - packed


def test_wheel_works_alone(wheel: Path, tmp_path: Path) -> None:
    """Unpacked somewhere else, the package finds its packs, prompts and environments."""
    zipfile.ZipFile(wheel).extractall(tmp_path)
    shown = subprocess.run(
        [sys.executable, "-P", "-c", PROBE, str(tmp_path)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stderr


def test_editable_install_reaches_the_links() -> None:
    import autoreward.envs
    import autoreward.prompts

    assert Path(autoreward.envs.__file__ or "").resolve() == ROOT / "envs" / "__init__.py"
    assert Path(autoreward.prompts.__file__ or "").resolve() == ROOT / "prompts" / "__init__.py"


def test_typed_and_versioned() -> None:
    assert (Path(autoreward.__file__).parent / "py.typed").exists()
    assert autoreward.__version__ in (ROOT / "CHANGELOG.md").read_text()
