"""MLflow with a server of its own: a process on this machine that others cannot reach."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tracked_run import SECRET, Stopping, holders, interrupted_and_resumed

from autoreward.errors import UserError
from autoreward.search.loop import start
from autoreward.search.tracked import TrackedObserver
from autoreward.store.folder import RunFolder
from autoreward.testing.engine import InProcessEngine
from autoreward.testing.folder import example_run
from autoreward.testing.run import small_run
from autoreward.testing.trainer import CLIMB, line_task
from autoreward.tracking.contract import Opening
from autoreward.tracking.mlflow import MLflow

UP_SECONDS = 150.0
"""For the server to answer: it imports for half a minute on a busy machine."""


def test_without_mlflow_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(UserError, match=r"pip install 'autoreward\[mlflow\]'"):
        start(line_task(), small_run(tmp_path, designer="composer", track="mlflow"), Stopping())
    assert not list(tmp_path.iterdir()), "before anything is begun"


def test_runs_that_begin_together_share_an_experiment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Another run makes it after this one has looked for it."""
    mlflow = pytest.importorskip("mlflow", reason="pip install 'autoreward[mlflow]'")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    looked: list[str] = []

    class Late(mlflow.MlflowClient):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__(tracking_uri=(tmp_path / "store").as_uri())

        def get_experiment_by_name(self, name: str) -> Any:
            looked.append(name)
            if len(looked) == 1:
                self.create_experiment(name)
                return None
            return super().get_experiment_by_name(name)

    monkeypatch.setattr(mlflow, "MlflowClient", Late)
    sink = MLflow(Opening(folder=tmp_path, name="run", settings={}))
    assert Late().get_run(sink.id).info.experiment_id == Late().get_experiment_by_name("autoreward").experiment_id


class Server:
    """`mlflow server` with its database and artifacts in a folder."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        words = f"-m mlflow server --host 127.0.0.1 --port {self.port} --workers 1 --backend-store-uri sqlite:///m.db"
        quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *words.split(), "--artifacts-destination", "artifacts"],
                cwd=folder,
                env=os.environ | quiet,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._log = folder / "log"

    def wait(self) -> None:
        until = time.monotonic() + UP_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=5):
                    return
            except OSError:
                time.sleep(0.3)
        raise AssertionError(self._log.read_text()[-2000:])

    def kill(self) -> None:
        with suppress(ProcessLookupError):  # it has ended
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    pytest.importorskip("mlflow", reason="pip install 'autoreward[mlflow-server]'")
    pytest.importorskip("flask", reason="pip install 'autoreward[mlflow-server]'")
    folder = tmp_path / "server"
    folder.mkdir()
    made = Server(folder)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:{SECRET}@127.0.0.1:{made.port}")
    try:
        made.wait()
        yield made
    finally:
        made.kill()


@pytest.mark.slow
def test_a_run_and_its_resumption_are_one_run(
    server: Server, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = interrupted_and_resumed(tmp_path / "runs", "mlflow")
    from mlflow import MlflowClient

    client = MlflowClient(server.url)
    experiment = client.get_experiment_by_name("autoreward")
    assert experiment
    (run,) = client.search_runs([experiment.experiment_id])
    assert (run.info.status, run.info.run_name) == ("FINISHED", folder.path.name)
    assert (run.data.params["task"], run.data.params["designer"]) == ("line", "tracked_run:Climbing")
    (record,) = folder.all_candidates()
    result = folder.result(record.trainings[1000], record.steps)
    assert result and result.final

    def curve(name: str) -> list[tuple[int, float]]:
        return [(point.step, point.value) for point in client.get_metric_history(run.info.run_id, name)]

    series = "0.0/seed-1000"
    assert curve(f"{series}/evaluation/success") == [(one.step, one.success_rate) for one in result.evaluations]
    assert curve(f"{series}/final/score") == [(1_000, pytest.approx(result.final.score))]
    assert curve(f"{series}/term/climb") and curve(f"{series}/outcome/fell") and curve(f"{series}/training/length")
    assert len(curve("designed/report/success")) == len(curve("sparse/seed-3000/final/success")) == 1
    artifact = client.download_artifacts(run.info.run_id, "rewards/0.0.py", str(tmp_path))
    assert Path(artifact).read_text() == CLIMB
    assert not holders(folder.path, SECRET)
    assert SECRET not in "".join(capfd.readouterr())


@pytest.mark.slow
def test_a_server_that_goes_away_is_one_note(server: Server, tmp_path: Path) -> None:
    folder = RunFolder(example_run(tmp_path / "runs" / "run"))
    watch, report = Stopping(), folder.report()
    assert report
    observer = TrackedObserver(watch, "mlflow")
    observer.run_started(folder.path, folder.run(), resumed=True)
    server.kill()
    observer.run_finished(folder.path, report)
    (note,) = watch.notes
    assert note.startswith("mlflow could not be told, and the run goes on without: ")
    assert not holders(folder.path, SECRET) and SECRET not in note


@pytest.mark.slow
def test_a_server_that_is_away_is_one_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow", reason="pip install 'autoreward[mlflow]'")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    small = small_run(tmp_path, designer="composer", track="mlflow")
    with pytest.raises(UserError, match="export MLFLOW_TRACKING_URI=http"):
        start(line_task(), small, Stopping(), engine=InProcessEngine())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    watch = Stopping(stops=False)
    folder = start(line_task(), small, watch, engine=InProcessEngine())
    assert RunFolder(folder).report()
    assert len([note for note in watch.notes if note.startswith("mlflow could not be told")]) == 1
