"""Weights & Biases in offline mode, read back from its files; whoever it called would be heard."""

import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tracked_run import SECRET, Stopping, holders, interrupted_and_resumed

from autoreward.errors import UserError
from autoreward.search.loop import start
from autoreward.testing.folder import example_run
from autoreward.testing.run import small_run
from autoreward.testing.trainer import CLIMB, line_task

BLOCK = 32 * 1024
"""Bytes of a block of LevelDB's log format, in which wandb keeps its records, after a header of 7 bytes."""


def test_without_wandb_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(UserError, match=r"pip install 'autoreward\[wandb\]'"):
        start(line_task(), small_run(tmp_path, designer="composer", track="wandb"), Stopping())
    assert not list(tmp_path.iterdir()), "before anything is begun"


def records(path: Path) -> Iterator[Any]:
    """The records of a `.wandb` file, with wandb's own protocol buffers."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, at, part = path.read_bytes(), 7, b""
    while at + 7 <= len(data):
        if BLOCK - at % BLOCK < 7:  # too little for a header: the rest of the block is padding
            at += BLOCK - at % BLOCK
            continue
        _, length, kind = struct.unpack("<IHB", data[at : at + 7])
        part += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last part
            record = Record()
            record.ParseFromString(part)
            part = b""
            yield record


class Ear:
    """A port of this machine that stands for the whole network: it counts who calls."""

    def __init__(self) -> None:
        self.calls = 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                self.socket.accept()[0].close()
            except OSError:
                return
            self.calls += 1


@pytest.fixture
def ear(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ear]:
    pytest.importorskip("wandb", reason="pip install 'autoreward[wandb]'")
    made = Ear()
    for name in ("WANDB_BASE_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, made.url)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_API_KEY", SECRET)
    monkeypatch.setenv("OPENAI_API_KEY", SECRET[::-1])
    yield made
    made.socket.close()


@pytest.mark.slow
def test_an_interrupted_run_goes_on_as_one_run_and_calls_nobody(
    ear: Ear, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = interrupted_and_resumed(tmp_path, "wandb")
    files = sorted(folder.path.glob("wandb/offline-run-*/*.wandb"), key=lambda path: path.stat().st_mtime)
    found = [record for path in files for record in records(path)]
    runs = [record.run for record in found if record.HasField("run")]
    assert len(files) == 2 and len({run.run_id for run in runs}) == 1, "two parts of one run"
    assert {(run.project, run.display_name, run.host) for run in runs} == {("autoreward", folder.path.name, "-")}
    curves: dict[str, list[tuple[int, float]]] = {}
    for record in found:
        items = {".".join(item.nested_key) or item.key: item.value_json for item in record.history.item}
        for name, value in items.items():
            series = name.split("/")[:2]
            if "seed-" in name and not name.endswith("/env_steps"):
                curves.setdefault(name, []).append((int(items["/".join([*series, "env_steps"])]), float(value)))
    (candidate,) = folder.all_candidates()
    result = folder.result(candidate.trainings[1000], candidate.steps)
    assert result and result.final
    name = "0-0/seed-1000"
    assert curves[f"{name}/evaluation/success"] == [(one.step, one.success_rate) for one in result.evaluations]
    assert curves[f"{name}/final/score"] == [(1_000, pytest.approx(result.final.score))]
    assert curves[f"{name}/term/climb"] and len(curves["sparse/seed-3000/final/success"]) == 1
    tables = [path.read_text() for path in folder.path.glob("wandb/*/files/media/table/text/*.json")]
    assert len(tables) == 1 and CLIMB.splitlines()[0] in tables[0].replace('\\"', '"')
    assert not [*holders(folder.path, SECRET), *holders(folder.path, SECRET[::-1])]
    assert "".join(capfd.readouterr()).strip() == ""
    assert ear.calls == 0


def python(code: str, *arguments: object) -> str:
    """What a process of its own prints: wandb reads its environment once."""
    words = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    return done.stdout + done.stderr


@pytest.mark.slow
def test_who_is_not_logged_in_is_told_so_and_not_asked(
    ear: Ear, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("WANDB_MODE", "WANDB_API_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    told = python("from autoreward.tracking.wandb import check; check()")
    assert "UserError: --track wandb: you are not logged in; type: wandb login, or: export WANDB_MODE=offline" in told
    assert ear.calls == 0


AWAY = """
import sys
from pathlib import Path
from autoreward.search.observer import Observer
from autoreward.search.tracked import TrackedObserver
from autoreward.store.folder import RunFolder
from autoreward.tracking import wandb

class Printing(Observer):
    def note(self, text):
        print(text)

wandb.START_SECONDS = 5.0
folder = RunFolder.open(Path(sys.argv[1]))
observer = TrackedObserver(Printing(), "wandb")
observer.run_started(folder.path, folder.run(), resumed=True)
observer.run_finished(folder.path, folder.report())
print("finished")
"""


@pytest.mark.slow
def test_a_service_that_is_away_is_one_note(ear: Ear, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "online")
    folder = example_run(tmp_path / "run")
    note, finished = python(AWAY, folder).splitlines()
    assert note.startswith("wandb could not be told, and the run goes on without: ")
    assert finished == "finished"
    assert ear.calls > 0, "the ear hears who calls"
    assert not holders(folder, SECRET) and SECRET not in note
