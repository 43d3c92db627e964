"""Compiled kernels are kept where only their user writes, loaded by the next process, and not after a change."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

RUN = """
import sys
sys.path.insert(0, sys.argv[1])
from autoreward.envs.voxel import compiled
functions = compiled.cpu()
assert functions.mix(1, 2) == compiled.kernel.mix(1, 2)
stats = functions.mix.stats
print(compiled.cache_folder(), sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))
"""

Found = tuple[Path, int, int]
"""The folder, and hits and misses of what is kept there."""


def found(done: subprocess.CompletedProcess[str]) -> Found:
    assert done.returncode == 0, done.stderr
    kept, hits, misses = done.stdout.split()
    return Path(kept), int(hits), int(misses)


def run(where: Path = ROOT, **variables: str) -> Found:
    """Compile one function in a process of its own."""
    return found(
        subprocess.run(
            [sys.executable, "-c", RUN, str(where)],
            env={**os.environ, **variables}, capture_output=True, text=True, timeout=100, check=False,
        )
    )  # fmt: skip


def test_what_one_process_compiles_the_next_one_loads(tmp_path: Path) -> None:
    kept, hits, misses = run(NUMBA_CACHE_DIR=str(tmp_path))
    assert kept.parent == tmp_path and (hits, misses) == (0, 1)
    assert run(NUMBA_CACHE_DIR=str(tmp_path)) == (kept, 1, 0)


def test_a_folder_that_others_can_write_is_not_used(tmp_path: Path) -> None:
    kept, *_ = run(NUMBA_CACHE_DIR=str(tmp_path))
    kept.chmod(0o777)
    other, hits, misses = run(NUMBA_CACHE_DIR=str(tmp_path))
    assert other.parent != tmp_path and (hits, misses) == (0, 1) and not other.exists()


@pytest.fixture
def installed() -> Iterator[Path]:
    """A copy of the package that everybody may read and nobody may write."""
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder)
        shutil.copytree(ROOT / "autoreward", where / "autoreward", ignore=shutil.ignore_patterns("__pycache__"))
        for path in (where, *where.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        yield where


def test_a_package_that_cannot_be_written_is_kept_in_the_users_cache(
    installed: Path, unprivileged: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        kept, _, misses = found(unprivileged(RUN, str(installed), XDG_CACHE_HOME=folder))
        assert kept.parent == Path(folder) / "autoreward" and misses == 1
        assert found(unprivileged(RUN, str(installed), XDG_CACHE_HOME=folder)) == (kept, 1, 0)


def test_without_any_place_to_write_it_compiles_and_leaves_nothing(
    installed: Path, unprivileged: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    kept, _, misses = found(unprivileged(RUN, str(installed), XDG_CACHE_HOME=str(installed)))
    assert misses == 1 and not kept.exists()


def test_a_changed_table_is_compiled_anew(tmp_path: Path) -> None:
    copy = tmp_path / "site"
    shutil.copytree(ROOT / "autoreward", copy / "autoreward", ignore=shutil.ignore_patterns("__pycache__"))
    kept, *_ = run(copy, NUMBA_CACHE_DIR=str(tmp_path))
    with (copy / "autoreward" / "envs" / "voxel" / "tables.py").open("a") as tables:
        tables.write("\nSAFE_FALL = 4\n")
    again, hits, misses = run(copy, NUMBA_CACHE_DIR=str(tmp_path))
    assert again != kept and (hits, misses) == (0, 1)
