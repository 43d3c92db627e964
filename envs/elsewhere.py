"""Environments of another interpreter, as this process sees them: each in a process of its own there.

For all who look at an environment and do not train in it: schemas, probes, recorded transitions, pictures. Messages go
over pipes, JSON and the bytes of arrays; nothing is ever pickled. A process that has answered well is kept for the next
environment, since its imports take longer than most of what it is asked.
"""

from __future__ import annotations

import contextlib
import json
import struct
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from autoreward.environment import EnvSpec
from autoreward.envs import interpreter
from autoreward.envs.contract import Array, BatchEnv
from autoreward.errors import MachineFailed, UserError
from autoreward.schema import EnvSchema

MODULE = "autoreward.envs.elsewhere_process"
FIELD = "field."
"""Before the names of fields that are told beside a step."""
_LENGTHS = struct.Struct("<QQ")
"""Of the header (JSON) and of the arrays' bytes after it."""
_WORDS = 2000
"""Last bytes of what it says that are looked at when it dies."""


class ElsewhereEnv(BatchEnv):
    """N environments in a process of another interpreter; see `BatchEnv`.

    Args:
        spec: with its `python`.
        num_envs: N.
        worlds: see `make_env`.

    Raises:
        UserError: the interpreter is not there or lacks autoreward, or the environment cannot be made there.
    """

    def __init__(self, spec: EnvSpec, num_envs: int, worlds: str) -> None:
        self._process = _Process.of(spec)
        try:
            wanted = {"spec": spec.model_dump(mode="json"), "num_envs": num_envs, "worlds": worlds}
            told, arrays = self._process.ask("make", wanted)
        except BaseException:
            self._process.end()
            raise
        self.num_envs, self.together = num_envs, told["together"]
        self.schema = EnvSchema.model_validate(told["schema"])
        self.single_observation_space = spaces.Box(arrays["low"], arrays["high"], dtype=np.float32)
        self.single_action_space: spaces.Box | spaces.Discrete = (
            spaces.Discrete(told["choices"])
            if told["choices"]
            else spaces.Box(arrays["action_low"], arrays["action_high"], dtype=np.float32)
        )
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._mask: NDArray[np.bool_] | None = None
        self._names: list[str] = []
        self._fields: dict[str, Array] = {}
        """What was read last, as it is now: who reads it once mostly does so after each step."""

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """See `SteppedEnv.reset`; options but for the mask are plain JSON."""
        given = dict(options or {})
        mask = given.pop("reset_mask", None)
        seeds = seed if seed is None or isinstance(seed, int | np.integer) else [_plain(each) for each in seed]
        arrays = {} if mask is None else {"mask": np.asarray(mask, dtype=np.bool_)}
        told = {"seed": _plain(seeds), "options": given, "names": self._names}
        return self._moved(self._process.ask("reset", told, arrays)[1])["obs"], {}

    def step(
        self, actions: Array
    ) -> tuple[Array, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """See `SteppedEnv.step`."""
        told, replied = self._process.ask("step", {"names": self._names}, {"actions": np.asarray(actions)})
        self.faults, replied = told["faults"], self._moved(replied)
        return replied["obs"], replied["rewards"], replied["terminated"], replied["truncated"], {}

    def read(self, names: Iterable[str]) -> dict[str, Array]:
        """See `BatchEnv.read`."""
        names = list(names)
        self.schema.check_known(names)
        if not self._fields.keys() >= set(names):
            self._names, self._fields = names, self._process.ask("read", {"names": names})[1]
        return {name: self._fields[name].copy() for name in names}

    def action_mask(self) -> NDArray[np.bool_] | None:
        """See `BatchEnv.action_mask`."""
        return self._mask

    def snapshot(self) -> dict[str, Array] | None:
        """See `BatchEnv.snapshot`."""
        told, replied = self._process.ask("snapshot")
        return replied if told["there"] else None

    def restore(self, arrays: dict[str, Array]) -> None:
        """See `BatchEnv.restore`."""
        self._fields = {}
        self._process.ask("restore", {}, arrays)

    def render_frame(self) -> NDArray[np.uint8]:
        """See `BatchEnv.render_frame`."""
        return self._process.ask("render_frame")[1]["frame"]

    def close_extras(self, **kwargs: object) -> None:
        """Close the environments; the process is kept for others."""
        self._process.give_back()

    def _moved(self, replied: dict[str, Array]) -> dict[str, Array]:
        """The environments are in other states: keep what was told beside."""
        self._mask = replied.get("mask")
        self._fields = {name: replied[FIELD + name] for name in self._names}
        return replied


def _plain(seed: Any) -> Any:  # noqa: ANN401 - a number or what is none
    return int(seed) if isinstance(seed, np.integer) else seed


class _Process:
    """One process of an interpreter, with at most one environment. It ends with this process, whose pipe it reads."""

    def __init__(self, spec: EnvSpec) -> None:
        assert spec.python is not None
        interpreter.check(spec)
        self._python, self._env_id = spec.python, spec.id
        self._says = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self._says}
        try:
            self._process = interpreter.start(self._python, ["-m", MODULE], **pipes)
        except OSError as error:
            raise MachineFailed(f"no process of {self._python} can be started: {error}") from None

    @classmethod
    def of(cls, spec: EnvSpec) -> _Process:
        """One that is kept, or a new one."""
        with _lock:
            kept = next((each for each in _kept if each._python == spec.python), None)
            if kept is not None:
                _kept.remove(kept)
        if kept is None or kept._process.poll() is not None:
            return cls(spec)
        kept._env_id = spec.id
        return kept

    def ask(
        self, what: str, told: Mapping[str, Any] | None = None, arrays: Mapping[str, Array] | None = None
    ) -> tuple[dict[str, Any], dict[str, Array]]:
        """Its answer.

        Raises:
            UserError: it says that the user can mend something.
            MachineFailed: it died.
            RuntimeError: whatever else the environment raised there.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        try:
            send(stdin, {"what": what, **(told or {})}, arrays or {})
            answer = receive(stdout)
        except (OSError, EOFError):
            raise self._died() from None
        if "error" in answer[0]:
            raise (UserError if answer[0]["user"] else RuntimeError)(answer[0]["error"])
        return answer

    def give_back(self) -> None:
        """Its environment is not wanted any more: it is kept, where it answers that it has closed it."""
        try:
            self.ask("close")
        except (MachineFailed, UserError, RuntimeError):
            self.end()
        else:
            _kept.append(self)

    def end(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._says):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _died(self) -> MachineFailed:
        self._process.kill()
        code = self._process.wait()
        self._says.seek(max(self._says.seek(0, 2) - _WORDS, 0))
        lines = [line for line in self._says.read().decode(errors="replace").splitlines() if line.strip()]
        last = f": {lines[-1].strip()[:200]}" if lines else ""
        return MachineFailed(f"the process of {self._python} that {self._env_id} lives in ended with code {code}{last}")


_kept: list[_Process] = []
_lock = threading.Lock()


def send(pipe: IO[bytes], told: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    """Write one message."""
    layout = [(name, array.dtype.str, array.shape) for name, array in arrays.items()]
    header = json.dumps({"told": told, "arrays": layout}).encode()
    parts = [array.tobytes() for array in arrays.values()]
    pipe.write(b"".join([_LENGTHS.pack(len(header), sum(map(len, parts))), header, *parts]))
    pipe.flush()


def receive(pipe: IO[bytes]) -> tuple[dict[str, Any], dict[str, Array]]:
    """Read one message.

    Raises:
        EOFError: the other side has closed the pipe.
    """
    header_size, size = _LENGTHS.unpack(_exactly(pipe, _LENGTHS.size))
    header, data = json.loads(_exactly(pipe, header_size)), _exactly(pipe, size)
    arrays, offset = {}, 0
    for name, dtype, shape in header["arrays"]:
        arrays[name] = np.ndarray(shape, dtype, data, offset).copy()
        offset += arrays[name].nbytes
    return header["told"], arrays


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    data = pipe.read(size)
    if len(data) < size:
        raise EOFError
    return data
