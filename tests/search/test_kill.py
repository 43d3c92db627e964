"""`kill -9` at ten different moments of a real run: nothing that was finished is done or asked again."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autoreward.store.folder import RunFolder

DRIVER = '''
import sys
from pathlib import Path
from autoreward.config import RunConfig
from autoreward.llm.contract import Reply
from autoreward.search.loop import resume, start
from autoreward.search.observer import Observer
from autoreward.testing.trainer import CLIMB, line_task

folder = Path(sys.argv[1])


class Counting:
    """A language model that writes down what it is asked, and takes its time."""

    def complete(self, name, messages, answer=None):
        import time
        with (folder.parent / "asked").open("a") as file:
            file.write(f"{name.round:02d}/calls/{name}.json\\n")
        time.sleep(0.2)
        if name.role == "designer":
            weight = 1 + name.round * 10 + name.candidate
            return Reply(text="Climb.\\n\\n```python\\n" + CLIMB.replace("2.0", f"{weight}.0") + "```\\n")
        if name.role == "critic":
            return Reply(text='```json\\n{"verdict": "approve", "reasons": []}\\n```')
        return Reply(text='```json\\n{"findings": []}\\n```')


config = RunConfig(
    designer="llm", rounds=2, candidates=2, steps=2000, search_seeds=1, finalists=2, selection_seeds=1,
    report_seeds=1, report_episodes=4, slots=2, probe_seconds=1.5,
)
if (folder / "run.json").exists():
    resume(folder, Observer(), chat=Counting())
else:
    start(line_task(), config, Observer(), chat=Counting(), folder=folder)
'''

MOMENTS = (
    "run.json",
    "rounds/00/calls/designer-0-0.json",
    "rounds/00/candidates/1/verify.json",
    "trainings/*/progress.json",
    "rounds/00/candidates/0/candidate.json",
    "rounds/00/calls/analyzer-0-0.json",
    "rounds/01/calls/critic-0-0.json",
    "rounds/01/analysis.json",
    "selection.json",
    "best/manifest.json",
)
FINISHED = ("rounds/*/calls/*.json", "rounds/*/candidates/*/*.json", "rounds/*/analysis.json", "*.json")


def begin(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", DRIVER, str(folder)], start_new_session=True)


ACCOUNTS = ("spent.json", "tracking.json")


def finished(folder: Path) -> dict[Path, bytes]:
    """Every record that is whole, but for the running accounts of what was spent and what trackers were told."""
    patterns = (*FINISHED, "trainings/*/result-*.json")
    return {
        path: path.read_bytes() for pattern in patterns for path in folder.glob(pattern) if path.name not in ACCOUNTS
    }


def processes_of(folder: Path) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in command and int(path.parent.name) != os.getpid():
            found.append(command)
    return found


def parent_of(stat: Path) -> int:
    try:
        return int(stat.read_text(errors="replace").rpartition(")")[2].split()[1])
    except OSError:
        return 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_at_ten_moments(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    for moment in MOMENTS:
        process = begin(folder)
        deadline = time.monotonic() + 120
        while not any(folder.glob(moment)):
            assert process.poll() is None, f"it ended before {moment} was written"
            assert time.monotonic() < deadline, f"{moment} was never written"
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        time.sleep(1.0)
        assert not processes_of(folder), "a process went on after its orchestrator was killed"
        before = finished(folder)
        asked = tmp_path / "asked"
        asked_before = asked.read_text().splitlines() if asked.exists() else []
        recorded = {str(path.relative_to(folder / "rounds")) for path in folder.glob("rounds/*/calls/*.json")}

        process = begin(folder)
        time.sleep(1.5)
        os.kill(process.pid, signal.SIGKILL)  # and once more, at whatever moment this is
        process.wait()
        for path, content in before.items():
            assert path.read_bytes() == content, f"{path} was done again after the kill at {moment}"
        again = set(asked.read_text().splitlines()[len(asked_before) :]) & recorded if asked.exists() else set()
        assert not again, f"recorded replies were asked for again after the kill at {moment}: {again}"

    assert begin(folder).wait(timeout=300) == 0
    report = RunFolder.open(folder).report()
    assert report is not None
    assert [row.failed for row in report.rows] == [0, 0, 0, 0]
    assert (folder / "report.html").exists()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_killed_worker_is_one_training(tmp_path: Path) -> None:
    """The run goes on to its report when a worker dies in the middle of its training."""
    folder = tmp_path / "run"
    process = begin(folder)
    deadline = time.monotonic() + 120
    while not any(folder.glob("trainings/*/progress.json")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    workers = [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/stat") if parent_of(path) == process.pid]
    for worker in workers[:1]:
        os.kill(worker, signal.SIGKILL)
    assert workers and process.wait(timeout=200) == 0
    report = RunFolder.open(folder).report()
    assert report is not None and report.winner is not None
