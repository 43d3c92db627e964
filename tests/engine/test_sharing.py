"""Several who use one engine at once: slots, order, cancelling, folders that two ask for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, wait
from pathlib import Path

import pytest

from autoreward.engine.contract import JobRequest, Resources, run_all
from autoreward.engine.devices import choose
from autoreward.engine.local import LocalEngine
from autoreward.engine.pool import Attempt
from autoreward.errors import RunDamaged
from autoreward.testing import faulty
from autoreward.testing.engine import line_request
from autoreward.training.contract import Progress, TrainingResult

MODULE = "autoreward.testing.faulty"


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    with LocalEngine(slots=1, timeout=60) as engine:
        yield engine


def job(folder: Path, trainer: str = "Tells", priority: int = 0) -> JobRequest:
    request = line_request(folder, trainer=f"{MODULE}:{trainer}")
    return request.model_copy(update={"priority": priority})


def begun(request: JobRequest) -> float:
    return float(faulty.seen_in(request.folder)[0]["began"])


def until(there: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_threads_share_the_slots_and_the_urgent_goes_first(engine: LocalEngine, tmp_path: Path) -> None:
    first = job(tmp_path / "first", "Waits")
    held = engine.submit(first)
    until(lambda: bool(faulty.seen_in(first.folder)))
    searches = [[job(tmp_path / f"{search}-{seed}", priority=search) for seed in range(3)] for search in range(3)]
    futures: dict[int, list[Future[TrainingResult]]] = {}

    def search(number: int) -> None:
        futures[number] = [engine.submit(request) for request in searches[number]]

    threads = [threading.Thread(target=search, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (first.folder / faulty.GO).touch()
    assert held.result(60).status == "ok"
    assert all(future.result(60).status == "ok" for each in futures.values() for future in each)
    times = [[begun(request) for request in requests] for requests in searches]
    assert max(times[2]) < min(times[1])
    assert max(times[1]) < min(times[0])


def test_whoever_waits_is_told_in_its_own_thread_and_only_of_its_own(engine: LocalEngine, tmp_path: Path) -> None:
    told: list[tuple[int, str]] = []

    def search(number: int) -> None:
        def hear(request: JobRequest, state: Progress) -> None:
            told.append((threading.get_ident() - idents[number], request.folder.name[0]))

        idents[number] = threading.get_ident()
        run_all(engine, [job(tmp_path / f"{number}-{seed}") for seed in range(2)], hear)

    idents: dict[int, int] = {}
    threads = [threading.Thread(target=search, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert set(told) == {(0, "0"), (0, "1")}


def test_a_folder_that_two_ask_for_is_trained_once(engine: LocalEngine, tmp_path: Path) -> None:
    request = job(tmp_path / "both", "Works")
    futures = [engine.submit(request.model_copy(update={"priority": priority})) for priority in range(3)]
    assert futures[1].cancel()
    assert futures[0].result(60) == futures[2].result(60)
    assert len(faulty.seen_in(request.folder)) == 2, "a beginning and an end"


@pytest.mark.any_user
def test_what_is_cancelled_ends_at_once_and_those_who_wait_hear_of_it(engine: LocalEngine, tmp_path: Path) -> None:
    hanging, waiting = job(tmp_path / "hanging", "Hangs"), job(tmp_path / "waiting")
    futures = [engine.submit(request) for request in (hanging, waiting)]
    until(lambda: bool(faulty.seen_in(hanging.folder)))
    again = engine.submit(job(tmp_path / "hanging"))
    for future in futures:
        assert future.cancel()
    assert wait(futures, 5).not_done == set()
    with pytest.raises(CancelledError):
        futures[0].result()
    assert again.result(60).status == "ok", "the folder is free once the worker is gone"
    assert not faulty.seen_in(waiting.folder)


def test_what_progress_raises_ends_that_job_and_is_raised(engine: LocalEngine, tmp_path: Path) -> None:
    def refuse(state: Progress) -> None:
        raise ValueError("enough")

    request = job(tmp_path / "watched", "Hangs")
    with pytest.raises(ValueError, match="enough"):
        engine.submit(request, refuse).result(60)
    assert engine.submit(job(tmp_path / "next")).result(60).status == "ok"


@pytest.mark.any_user
def test_a_worker_that_takes_more_than_it_is_given_is_ended(engine: LocalEngine, tmp_path: Path) -> None:
    request = job(tmp_path / "takes", "Takes").model_copy(update={"resources": Resources(memory=500_000_000)})
    result = engine.submit(request).result(60)
    assert (result.status, result.failure) == ("failed", "machine")
    assert "GB of memory and was given 0.5" in (result.error or "")


def test_what_does_not_read_is_told_by_submit(engine: LocalEngine, tmp_path: Path) -> None:
    with pytest.raises(RunDamaged, match=r"job\.json"):
        engine.submit(JobRequest(folder=tmp_path / "empty", steps=5))


def test_after_its_end_an_engine_takes_no_job(tmp_path: Path) -> None:
    with LocalEngine(slots=1, timeout=60) as engine:
        future = engine.submit(job(tmp_path / "hangs", "Hangs"))
    assert future.cancelled()
    with pytest.raises(RuntimeError, match="shut down"):
        engine.submit(job(tmp_path / "late"))


class Unable(LocalEngine):
    """Cannot begin with anything."""

    def _begin(self, requests: tuple[JobRequest, ...], resources: Resources) -> Attempt:
        raise LookupError("no worker today")


class Confused(LocalEngine):
    """Fails where it looks for room."""

    def _has_room(self, resources: Resources) -> bool:
        raise LookupError("no room to be found")


@pytest.mark.parametrize("kind", [Unable, Confused])
def test_a_fault_of_the_engine_reaches_all_who_wait(kind: type[LocalEngine], tmp_path: Path) -> None:
    with kind(slots=1, timeout=60) as engine:
        for attempt in range(2):
            futures = [engine.submit(job(tmp_path / f"{attempt}-{number}")) for number in range(2)]
            for future in futures:
                with pytest.raises(LookupError):
                    future.result(10)


@pytest.mark.parametrize(
    ("wanted", "taken", "chosen"),
    [
        (1, [], ("0",)),
        (1, [(("0",), 1)], ("1",)),
        (2, [(("0",), 1)], None),
        (0.5, [(("1",), 0.5)], ("1",)),
        (0.5, [(("0",), 0.5), (("1",), 0.6)], ("0",)),
        (0.5, [(("0", "1"), 2)], None),
        (2, [], ("0", "1")),
    ],
)
def test_gpus_are_dealt_out(
    wanted: float, taken: list[tuple[tuple[str, ...], float]], chosen: tuple[str, ...] | None
) -> None:
    assert choose(("0", "1"), wanted, taken) == chosen
