"""The engine `ray`: each job is a task of Ray Core, in a cluster that is there or one that is started here.

Tasks only: no actors, no Tune, no object store; folders are on a file system that all machines share. Ray's token
authentication stays as it is: on, for a cluster that is started here.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import ray
from ray.exceptions import RayError

from autoreward.engine.contract import JobRequest, Resources
from autoreward.engine.elsewhere import Errand, Finished, carry_out, errand
from autoreward.engine.pool import Attempt, End, Pool
from autoreward.errors import UserError
from autoreward.sandbox.variables import passed_on

ANSWER_SECONDS = 30.0
"""How long an address, or a cluster that has answered before, may take to answer."""
MACHINE_DEATHS = 3
"""How often Ray does a task again whose machine, or process of Ray's, has died."""
LOOK_SECONDS = 5.0
"""How long the size of a cluster is believed."""
ADVICE = "type `ray start --head` for one on this machine, `ray status` to see what there is, or leave it out"


def _carry_out(text: str) -> str:
    """Ray's task: text in, text out, so that nothing but JSON crosses."""
    return carry_out(Errand.model_validate_json(text)).model_dump_json()


class RayEngine(Pool):
    """Implements `Engine` on Ray."""

    def __init__(
        self, slots: int, timeout: float, resources: Resources | None = None, address: str | None = None
    ) -> None:
        """Connect, or start Ray here; where this process is connected already, that is taken.

        Args:
            slots: cores for workers, each of which takes one unless `resources` say otherwise; 0: the cluster's.
            timeout: seconds without any progress after which a worker is killed.
            resources: of a job that names none; None: one core.
            address: `auto`, or `HOST:PORT` of a cluster; None: one is started on this machine, and ends with this.

        Raises:
            UserError: nothing answers there, it is of another version or token, or too small for these resources.
        """
        super().__init__(resources)
        self._slots, self._timeout, self._address = slots, timeout, address
        self._own = not ray.is_initialized()
        if self._own:
            _connect(address, slots)
        self._task = ray.remote(_carry_out)
        self._machines: list[dict[str, float]] = []
        self._looked = float("-inf")
        self._busy_with: dict[Attempt, Resources] = {}
        try:
            self._check(self._given)
        except UserError:
            self._close()
            raise

    def _check(self, resources: Resources) -> None:
        if self._slots and resources.cpus > self._slots:
            raise UserError(
                f"a job asks for {resources.cpus:g} cores, and there are {self._slots} slots; type more --slots"
            )
        self._look_at_cluster()
        wanted = {"CPU": resources.cpus, "GPU": resources.gpus, "memory": resources.memory or 0}
        if not any(all(each.get(name, 0) >= amount for name, amount in wanted.items()) for each in self._machines):
            asked = ", ".join(f"{amount:g} {name}" for name, amount in wanted.items() if amount)
            raise UserError(
                f"a job asks for {asked}, which no machine of the Ray cluster has; `ray status` tells what there is. "
                "Type less with --engine.cpus, --engine.gpus or --engine.memory"
            )

    def _has_room(self, resources: Resources) -> bool:
        """Whether the cluster has so much left, so that jobs wait here, by their priority, and not in Ray's queue."""
        self._look_at_cluster()
        busy = self._busy_with.values()
        cpus = sum(each.cpus for each in busy) + resources.cpus
        gpus = sum(each.gpus for each in busy) + resources.gpus
        cores, cards = (sum(each.get(name, 0.0) for each in self._machines) for name in ("CPU", "GPU"))
        return cpus < (self._slots or cores) + 1e-9 and (not resources.gpus or gpus < cards + 1e-9)

    def _look_at_cluster(self) -> None:
        """What its machines have; they come and go.

        Raises:
            UserError: its head is gone.
        """
        if time.monotonic() - self._looked > LOOK_SECONDS:
            self._machines = [node["Resources"] for node in _nodes(self._address) if node["Alive"]]
            self._looked = time.monotonic()

    def _begin(self, requests: tuple[JobRequest, ...], resources: Resources) -> Attempt:
        given: dict[str, Any] = {"num_cpus": resources.cpus, "num_gpus": resources.gpus}
        if resources.memory is not None:
            given["memory"] = resources.memory
        task = self._task.options(**given, max_retries=MACHINE_DEATHS, name=f"autoreward {requests[0].folder.name}")
        reference = task.remote(errand(requests, resources, self._timeout).model_dump_json())
        attempt = _Task(reference, self._woken.set, self._look_at_cluster)
        self._busy_with[attempt] = resources
        return attempt

    def _over(self, attempt: Attempt) -> None:
        del self._busy_with[attempt]

    def _close(self) -> None:
        if self._own and ray.is_initialized():
            ray.shutdown()


class _Task:
    """A task of Ray. Implements `Attempt`."""

    def __init__(
        self,
        reference: Any,  # noqa: ANN401 - Ray's ObjectRef
        stirred: Callable[[], None],
        look: Callable[[], None],
    ) -> None:
        self._reference, self._look = reference, look
        self._future = reference.future()
        self._future.add_done_callback(lambda _: stirred())
        self._finished: Finished | None = None

    def end(self) -> End | None:
        if not self._future.done():
            self._look()
            return None
        if self._finished is None:
            try:
                self._finished = Finished.model_validate_json(self._future.result())
            except RayError as error:
                lost = str(error).strip().splitlines() or [type(error).__name__]
                return End(reason=f"Ray has lost the worker: {lost[0][:300]}", innocent=True)
        return self._finished.end if self._finished.is_seen() else None

    def kill(self) -> None:
        """Interrupt the task, which ends its worker; or take it out of Ray's queue."""
        with contextlib.suppress(Exception):  # it has ended meanwhile, or Ray has
            ray.cancel(self._reference)


def _connect(address: str | None, slots: int) -> None:
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_worker_niceness", "0")  # of workers beside this process, where Ray's own way is 15
    if address is not None:
        _ask(address)
    try:
        with _known_variables():
            if address is None:
                ray.init(address="local", num_cpus=slots or None, include_dashboard=False, **quiet)
            else:
                ray.init(address=address, **quiet)
    except (OSError, RuntimeError, ValueError, RayError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        where = "Ray cannot be started here" if address is None else f"Ray at {address} cannot be used"
        raise UserError(f"{where}: {first}") from None


def _ask(address: str) -> None:
    """Have another process ask for the cluster's state: Ray itself tries for minutes, and cannot be stopped.

    Raises:
        UserError: nothing answers, or it refuses.
    """
    given = [] if address == "auto" else ["--address", address]
    command = [sys.executable, "-m", "ray.scripts.scripts", "status", *given]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise _silent(address) from None
    if asked.returncode:
        last = (asked.stderr.strip().splitlines() or ["it refuses"])[-1][:300].rstrip(" .")
        raise UserError(f"--engine.address {address}: {last}; {ADVICE}")


def _nodes(address: str | None) -> list[dict[str, Any]]:
    """What Ray says of the cluster's machines.

    Another thread asks, since Ray tries for a minute where the head is gone, and then ends this process.

    Raises:
        UserError: nothing answers.
    """
    told = Future[list[dict[str, Any]]]()

    def ask() -> None:
        try:
            told.set_result(ray.nodes())
        except BaseException as error:
            told.set_exception(error)

    threading.Thread(target=ask, name="ray", daemon=True).start()
    try:
        return told.result(ANSWER_SECONDS)
    except (TimeoutError, OSError, RuntimeError, RayError):
        raise _silent(address) from None


def _silent(address: str | None) -> UserError:
    if address is None:
        return UserError("this process's Ray does not answer any more; type `autoreward resume RUN` to go on")
    return UserError(f"no Ray cluster answers at --engine.address {address} within {ANSWER_SECONDS:g} s; {ADVICE}")


@contextlib.contextmanager
def _known_variables() -> Iterator[None]:
    """Cut this process's environment down to what workers may know, and Ray's own: Ray's processes are given all."""
    whole = dict(os.environ)
    known = passed_on() | {name: value for name, value in whole.items() if name.startswith("RAY_")}
    for name in whole.keys() - known.keys():
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update({name: value for name, value in whole.items() if name not in os.environ})
