"""The engine `ray`, in Rays that are really started, with token authentication."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autoreward.config import EngineConfig
from autoreward.engine.contract import Engine, JobRequest, Resources
from autoreward.engine.registry import find_engine
from autoreward.errors import UserError
from autoreward.testing import faulty
from autoreward.testing.engine import check_engine, line_request
from tests.engine.two_nodes import TOKEN, TwoNodes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    # Imported later, since Ray reads then whether there is a token.
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="the extra `ray` is not installed"),
]


@pytest.fixture(scope="module", autouse=True)
def token() -> Iterator[None]:
    """No token is left in the user's home; workers are as urgent here as what else is tested."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", TOKEN)
        patch.setenv("RAY_worker_niceness", "0")
        patch.chdir(Path(__file__).parents[2])
        yield


@pytest.fixture(scope="module")
def cluster() -> Iterator[TwoNodes]:
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:  # pytest's: too long a path
        nodes = TwoNodes(Path(folder))
        yield nodes
        nodes.stop()


def of(cluster: TwoNodes) -> Engine:
    return find_engine(EngineConfig(name="ray", address=cluster.address), slots=0, timeout=60)


def job(folder: Path, trainer: str, **resources: float) -> JobRequest:
    request = line_request(folder, trainer=f"autoreward.testing.faulty:{trainer}")
    return request.model_copy(update={"resources": Resources.model_validate(resources)})


def until(there: Callable[[], bool], otherwise: str) -> None:
    end = time.monotonic() + 120
    while not there():
        assert time.monotonic() < end, otherwise
        time.sleep(0.1)


def test_keeps_the_engine_contract(tmp_path: Path) -> None:
    check_engine("tests.engine.engines:ray", tmp_path)


AS_A_USER = """
import os, sys
from pathlib import Path
from autoreward.engine.on_ray import RayEngine
from autoreward.sandbox.linux.process import hide_process
from autoreward.testing.engine import line_request

def environments():
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            yield Path("/proc", pid, "environ").read_bytes()
        except OSError:
            pass

os.environ |= {"HOME": sys.argv[1], "OPENAI_API_KEY": "sk-not-for-ray"}
hide_process()
with RayEngine(slots=1, timeout=60) as engine:
    request = line_request(Path(sys.argv[1]) / "job", trainer="autoreward.testing.faulty:Looks")
    result = engine.submit(request).result(200)
    known = [each for each in environments() if sys.argv[1].encode() in each]
    assert known, "Ray's processes are looked into"
    assert not any(b"sk-not-for-ray" in each for each in known), "Ray's processes are given the key"
assert os.environ["OPENAI_API_KEY"] == "sk-not-for-ray"
print(result.status, result.isolation, result.error)
"""


def test_an_ordinary_user_may_start_one(
    unprivileged: Callable[..., subprocess.CompletedProcess[str]], unprivileged_python: Path
) -> None:
    """From a process that hides, as a run's does, and whose key stays its own."""
    library = str(unprivileged_python.parents[2] / "base" / "lib")  # Ray imports more of Python than others
    given = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN, "LD_LIBRARY_PATH": library}
    with tempfile.TemporaryDirectory(prefix="ray-") as folder:
        Path(folder).chmod(0o777)
        done = unprivileged(AS_A_USER, folder, RAY_TMPDIR=folder, **given)
    assert done.stdout.splitlines()[-1:] in (["ok A None"], ["ok B None"]), done.stdout + done.stderr


def test_a_gpu_is_shared_by_those_that_ask_for_parts_of_it(cluster: TwoNodes, tmp_path: Path) -> None:
    with of(cluster) as engine:
        part = {"gpus": 0.5, "cpus": 0.1}
        requests = [job(tmp_path / str(number), "Works", **part) for number in range(3)]
        looks = job(tmp_path / "looks", "Looks", **part)
        futures = [engine.submit(request) for request in (*requests, looks)]
        assert [future.result().status for future in futures] == ["ok"] * 4
        with pytest.raises(UserError, match=r"asks for 1 CPU, 2 GPU.*--engine\.gpus"):
            engine.submit(job(tmp_path / "two", "Tells", gpus=2))
    spans = [faulty.seen_in(request.folder)[-1] for request in requests]
    assert max(sum(a["began"] <= b["began"] < a["ended"] for a in spans) for b in spans) <= 2
    environ = next(line["environ"] for line in faulty.seen_in(looks.folder) if "environ" in line)
    assert environ["CUDA_VISIBLE_DEVICES"] == "0"


def test_whoever_has_another_token_is_refused(cluster: TwoNodes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "f" * 64)
    with pytest.raises(UserError, match=rf"--engine\.address {cluster.address}.*[Tt]oken"):
        of(cluster)


def test_a_node_that_dies_costs_only_its_jobs(cluster: TwoNodes, tmp_path: Path) -> None:
    requests = [job(tmp_path / str(number), "Waits") for number in range(2)]
    with of(cluster) as engine:
        futures = {request: engine.submit(request) for request in requests}
        until(lambda: all(faulty.seen_in(each.folder) for each in requests), "the jobs have not begun")
        lost, kept = sorted(requests, key=lambda each: not cluster.is_second(faulty.seen_in(each.folder)[0]["pid"]))
        assert not cluster.is_second(faulty.seen_in(kept.folder)[0]["pid"]), "each node has one job"
        cluster.kill_second()
        cluster.wait_for(1)
        (kept.folder / faulty.GO).touch()
        assert futures[kept].result(120).status == "ok"
        until(lambda: len(faulty.seen_in(lost.folder)) == 2, "the lost job was not begun again")
        (lost.folder / faulty.GO).touch()
        assert futures[lost].result(120).status == "ok"
    assert len({line["pid"] for line in faulty.seen_in(kept.folder)}) == 1, "the other job was run again, too"
    assert len({line["pid"] for line in faulty.seen_in(lost.folder)}) == 2


UNTIL_THE_END = """
import sys
from pathlib import Path
from autoreward.engine import on_ray
from autoreward.engine.contract import JobRequest
from autoreward.errors import UserError

on_ray.ANSWER_SECONDS = 5.0
with on_ray.RayEngine(slots=0, timeout=60, address=sys.argv[1]) as engine:
    try:
        engine.submit(JobRequest(folder=Path(sys.argv[2]), steps=512)).result(120)
    except UserError as error:
        print(error, flush=True)
"""


def test_a_cluster_whose_head_is_gone_is_told_in_one_line(tmp_path: Path) -> None:
    """In another process, since Ray ends one that still tries to reach the head a minute later."""
    request = job(tmp_path / "waits", "Waits")
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        nodes = TwoNodes(Path(folder))
        try:
            command = [sys.executable, "-c", UNTIL_THE_END, nodes.address, str(request.folder)]
            run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            until(lambda: bool(faulty.seen_in(request.folder)), "the job has not begun")
            nodes.kill_head()
            told = run.communicate(timeout=200)[0]
        finally:
            nodes.stop()
    assert f"no Ray cluster answers at --engine.address {nodes.address} within 5 s; type" in told
    assert (run.returncode, "Traceback" in told) == (0, False), told


def test_an_address_that_does_not_answer_is_told_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autoreward.engine.on_ray.ANSWER_SECONDS", 5.0)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(UserError, match=rf"no Ray cluster answers at --engine\.address {address} within 5 s; type"):
            find_engine(EngineConfig(name="ray", address=address), slots=0, timeout=60)
    assert os.environ["RAY_AUTH_MODE"] == "token"
