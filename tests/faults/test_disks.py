"""A disk that becomes full, and a folder that becomes read-only, in the middle of a sweep: it stops with one message,
and goes on by the same command where it stood, once that is mended.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sweeping import begin, damaged, finished, prompts, results, write_sweep
from test_random_kills import KINDS, answer, asked

sys.path.insert(0, str(Path(__file__).parents[1] / "llm"))
from faulty_endpoint import Endpoint, endpoint

from autoreward.api import FREE_BYTES
from tests.conftest import Unprivileged

MOMENTS = ("*/run.json", "*/rounds/00/calls/designer-0-0.json", "*/trainings/*/progress.json", "*/selection.json")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes more than a sweep asks for."""
    place, size = tmp_path / "disk", FREE_BYTES + 2**24
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], check=False)
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


@pytest.fixture
def server() -> Iterator[Endpoint]:
    with endpoint(answer) as made:
        yield made


def disturbed(
    place: Path, server: Endpoint | None, hinder: Callable[[], None], mend: Callable[[], None], why: str
) -> None:
    """A sweep that is hindered at some moments, compared with one that is not."""
    prepare(place.parent / "alone", server)
    process = begin(place.parent / "alone", "key")
    process.join(300)
    assert process.exitcode == 0
    if server:
        server.requests.clear()
    prepare(place / "sweep_of", server)
    sweep, said = place / "sweep_of" / "sweep", place.parent / "said"
    (place / "sweep_of" / "said").symlink_to(said)
    for moment in MOMENTS if server else MOMENTS[2:]:
        process = begin(place / "sweep_of", "key")
        wait_for(sweep, moment)
        hinder()
        process.join(120)
        before = finished(sweep)
        told = said.read_text().splitlines()[-1]
        mend()
        assert process.exitcode == 2, said.read_text()
        assert why in told and "autoreward sweep s.yaml --folder sweep" in told, said.read_text()
        assert "Traceback" not in said.read_text()
        assert all(path.read_bytes() == data for path, data in before.items())
    process = begin(place / "sweep_of", "key")
    process.join(300)
    assert process.exitcode == 0, said.read_text()
    assert results(sweep) == results(place.parent / "alone" / "sweep")
    assert not damaged(sweep)
    if server:
        assert Counter(map(asked, server.requests)) == prompts(sweep), "a reply was paid for twice"


def prepare(place: Path, server: Endpoint | None) -> None:
    if server is None:
        write_sweep(place, config={"slots": 1})
        return
    llm = {"base_url": server.url, "model": "tiny", "concurrency": 1}
    write_sweep(place, config={**KINDS["llm"]["config"], "llm": llm, "slots": 1})


def wait_for(sweep: Path, moment: str, seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not any(sweep.glob(moment)):
        assert time.monotonic() < deadline, f"{moment} was never written"
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_full_disk(small_disk: Path, server: Endpoint) -> None:
    filler = small_disk / "filler"

    def fill() -> None:
        with filler.open("wb", buffering=0) as file:
            size = 2**16
            while size:
                try:
                    file.write(bytes(size))
                except OSError:
                    size //= 2

    disturbed(small_disk, server, fill, filler.unlink, "No space left on device")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere: the next test does this as another user")
def test_a_folder_that_becomes_read_only(tmp_path: Path) -> None:
    place = tmp_path / "disk"
    place.mkdir()

    def allow(files: int, folders: int) -> Callable[[], None]:
        def change() -> None:
            for path in (place, *place.rglob("*")):
                if not path.is_symlink():
                    path.chmod(folders if path.is_dir() else files)

        return change

    disturbed(place, None, allow(0o444, 0o555), allow(0o644, 0o755), "Permission denied")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(os.geteuid() != 0, reason="the test before this one has done it")
def test_a_folder_that_becomes_read_only_for_a_user_without_rights(unprivileged: Unprivileged) -> None:
    code = "import os, sys, pytest; os.chdir(sys.argv[1]); sys.exit(pytest.main(sys.argv[2:]))"
    name = f"{__file__}::{test_a_folder_that_becomes_read_only.__name__}"
    options = ("-m", "slow", "-p", "no:cacheprovider", "-p", "no:xdist", "-q")
    done = unprivileged(code, str(Path(__file__).parents[2]), *options, name)
    assert done.returncode == 0 and done.stdout.startswith("."), done.stdout[-6000:] + done.stderr[-2000:]
