"""The cell as a process of its own, with nothing of its parent's.

Covered: a fresh interpreter with an environment made from nothing, no inherited descriptors, the static rules and
RestrictedPython with guards inside it, all that `child.py` shuts itself in with (Landlock, two filters on system calls,
limits), the level that it witnesses, a deadline for each phase after which the process group is killed, frames of JSON
and raw arrays alone, and outputs that are checked here.

Not covered: faults of the kernel in the few calls that stay allowed, and what a processor gives away by its timing.
Where the level is C, the kernel does not keep a program that breaks out of the language from files or the network.
"""

from __future__ import annotations

import functools
import os
import signal
import weakref
from collections.abc import Collection, Mapping
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from autoreward.errors import MACHINE, CellFailed, RewardRefused
from autoreward.language.program import Grammar, Program
from autoreward.sandbox import frames, shared
from autoreward.sandbox.again import Places
from autoreward.sandbox.contract import Array, Inputs, Memory, Scores
from autoreward.sandbox.deadline import PATIENCE, Deadline
from autoreward.sandbox.isolation import Isolation, IsolationTooWeak, Level, level_of, require
from autoreward.sandbox.launch import Child, launch
from autoreward.sandbox.outputs import Entry, check_form, gather, input_types, most_bytes, take_over
from autoreward.sandbox.pipes import Channel, Gone, Late
from autoreward.schema import EnvSchema

START_SECONDS = 4.0
"""For a new process to import NumPy, also on a slow and busy machine."""
LOAD_SECONDS = 5.0
# The parent's own autoreward, wherever it was found; everything else in the interpreter's order.
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]); import autoreward; sys.path.append(sys.path.pop(0)); "
    "from autoreward.sandbox.child import main; main()"
)
_PROGRAM = TypeAdapter(Program)
_NOTHING = Memory()


class ProcessCell:
    """Runs one reward program in a child process. It starts when a program is loaded, and again if it has ended."""

    def __init__(
        self,
        deadline: float = 10.0,
        memory_bytes: int = 1 << 30,
        load_deadline: float = LOAD_SECONDS,
        least: Level = "B",
        without: Collection[str] = (),
    ) -> None:
        """Prepare a cell.

        Args:
            deadline: seconds of CPU time that one call of `score` may take; `PATIENCE` times as many by the wall.
            memory_bytes: what the process may allocate.
            load_deadline: the same, of checking and compiling a program.
            least: the level of isolation below which no program is loaded.
            without: layers to leave out (`namespaces`, `landlock`, `seccomp`), to see what the others are worth.
        """
        self._deadline, self._memory_bytes, self._load_deadline = deadline, memory_bytes, load_deadline
        self._least, self._without = least, without
        self._isolation: Isolation | None = None
        self._child: Child | None = None
        self._channel: Channel | None = None
        self._program: Program | None = None
        self._types: dict[str, np.dtype[Any]] = {}
        self._form: tuple[dict[str, Any], tuple[int, ...], list[Entry]] | None = None
        self._places: Places | None = None
        self._most = 0
        self._finalizer: weakref.finalize[Any, Any] | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the running child."""
        return self._child.process.pid if self._child else None

    @property
    def isolation(self) -> Isolation | None:
        """What the process has witnessed of its own isolation; None before the first start."""
        return self._isolation

    def start(self) -> Isolation:
        """Start the process, unless it runs: it shuts itself in and reports how well that went.

        Raises:
            CellFailed: it does not start, nor when tried once more; the reason is `start`.
            IsolationTooWeak: its level is below `least`; it is closed.
        """
        if self._channel is None or self._isolation is None:
            self._isolation = self._start_twice()
        try:
            require(self._isolation, self._least)
        except IsolationTooWeak:
            self.close()
            raise
        return self._isolation

    def load(self, source: str, schema: EnvSchema, grammar: Grammar) -> Program:
        """Verify and compile a program; see `Cell.load`. Raises as `start`, too."""
        self.start()
        self._program = self._form = self._places = None
        self._check_ours()
        request = {"source": source, "fields": schema.names, "grammar": grammar}
        fields, _ = self._ask(frames.encode(request, {}), self._load_deadline, "while it was loaded")
        try:
            if refused := fields.get("refused"):
                raise _refusal(refused)
            program = _PROGRAM.validate_python({**fields["program"], "source": source, "grammar": grammar})
            schema.check_known([*program.state_fields, *program.next_state_fields])
        except RewardRefused:
            raise
        except Exception:  # whatever a forged reply may raise
            self._fail("the cell's reply is malformed", "died")
        self._types = input_types(program, schema)
        self._program = program
        return program

    def score(self, inputs: Inputs, begun: NDArray[np.bool_], memory: Memory) -> Scores:
        """Score a chunk; see `Cell.score`."""
        if self._program is None:
            raise CellFailed("the cell has no program: load one first", "died")
        self._check_ours()
        begun = np.asarray(begun, np.bool_)
        memory = memory if self._program.uses_memory else _NOTHING
        if self._places is not None and self._places.put(inputs, begun, memory):
            frame = frames.REPEAT
        else:
            frame = self._frame(inputs, begun, memory)
        fields, found = self._ask(frame, self._deadline, "while it scored a chunk", self._most)
        try:
            before, shape = self._form, begun.shape
            # The same fields, not equal ones, are those of a frame of the same form.
            if before is None or before[0] is not fields or before[1] != shape:
                entries = check_form(self._program, fields, found, shape, before[0]["names"] if before else None)
                self._form = before = fields, shape, entries
            return take_over(fields["names"], before[2], found)
        except CellFailed:
            raise
        except Exception:  # whatever a forged reply may raise
            self._fail("the cell's reply is malformed", "died")

    def _frame(self, inputs: Inputs, begun: NDArray[np.bool_], memory: Memory) -> bytes:
        """The request to score a chunk of another form than the last one's."""
        assert self._program is not None
        self._places, self._most = None, most_bytes(self._program, begun.shape)
        arrays = {"begun": begun, **gather(self._types, inputs, begun)}
        for name, values in memory.values.items():
            arrays[f"memory.{name}"], arrays[f"present.{name}"] = values, memory.present[name]
        block = self._channel.inputs if self._channel else None
        frame = frames.encode({}, arrays, block)
        if block is not None and block.written is not None and frames.lengths(frame)[1] == 0:  # else it did not fit
            self._places = Places(self._types, block.written[1])
        return frame

    def close(self) -> None:
        """End the cell's process. Calling twice is fine."""
        if self._finalizer is not None:
            self._finalizer()
        self._child = self._channel = self._program = self._places = self._finalizer = None

    def _check_ours(self) -> None:
        if self._channel is None or self._child is None:
            raise CellFailed("the cell has ended: load the program again", "died")
        if os.getpid() != self._child.owner:
            raise CellFailed("the cell belongs to the process that this one was forked from: make a new one", "died")

    def _ask(self, frame: bytes, seconds: float, when: str, most: int = 0) -> tuple[dict[str, Any], dict[str, Array]]:
        assert self._channel is not None and self._child is not None
        try:
            cores = self._child.approach()
            try:
                fields, arrays = self._channel.ask(frame, Deadline(seconds, self._child.process.pid), most)
            finally:
                self._child.leave(cores)
            fault = _fault(fields) if "fault" in fields else None
        except Late:
            self._fail(f"the reward program ran longer than {seconds:g} s {when} and was killed", "deadline")
        except Gone:
            self._fail(f"the cell's process ended {when}{self._cause()}", "died")
        except Exception:  # no frame, or one that does not read
            self._fail("the cell's reply is malformed", "died")
        except BaseException:
            # An interrupt between request and reply leaves the pipes out of step.
            self.close()
            raise
        if fault is not None:
            raise fault
        return fields, arrays

    def _fail(self, message: str, reason: str) -> NoReturn:
        self.close()
        raise CellFailed(message, reason)

    def _cause(self) -> str:
        """How the process ended, where the system tells."""
        code = self._child.exit_code() if self._child else None
        if code is None:
            return ""
        if code == -signal.SIGSYS:
            return ": the program made a forbidden system call: killed"
        known = {number.value: number.name for number in signal.Signals}
        return f" (signal {known.get(-code, -code)})" if code < 0 else f" (exit code {code})"

    def _start_twice(self) -> Isolation:
        """A start that fails is no program's fault: no program is there yet. A busy machine may do it the next time."""
        try:
            return self._start(self._without)
        except CellFailed:
            return self._start(self._without)

    def _start(self, without: Collection[str]) -> Isolation:
        blocks = shared.create()
        self._child = child = launch(_BOOT, self._memory_bytes, self._deadline, without, blocks)
        self._finalizer = weakref.finalize(self, child.end)
        self._channel = Channel(*child.pipes, blocks)
        try:
            fields, _ = self._channel.receive(Deadline(START_SECONDS, child.process.pid))
            found = fields["ready"]
            return Isolation(level=level_of(found["probes"], found["filters"], found["landlock"]), **found)
        except Exception as error:  # late, gone, or whatever a process that is not ours sends
            if isinstance(error, Gone) and child.exit_code() == -signal.SIGSYS and "seccomp" not in without:
                return self._start_unfiltered(without)
            words = child.last_words()
            otherwise = (
                f" within {PATIENCE * START_SECONDS:g} s" if isinstance(error, Late) else ": its reply is malformed"
            )
            cause = f": {words}" if words else self._cause() or otherwise
            self._fail(f"{MACHINE}the cell's process did not start{cause}", "start")

    def _start_unfiltered(self, without: Collection[str]) -> Isolation:
        """Where Python itself needs a call that the filters do not know: the level falls, and the reason is told."""
        self.close()
        found = self._start((*without, "seccomp"))
        reason = "Python itself needs a system call here that the filters do not allow"
        return found.model_copy(update={"missing": {**found.missing, "seccomp": reason}})


@functools.cache
def witness() -> Isolation:
    """What a cell witnesses on this machine; one is started for it, once in a process.

    Raises:
        CellFailed: no cell can be started.
    """
    cell = ProcessCell(least="D")
    try:
        return cell.start()
    finally:
        cell.close()


def _refusal(found: Mapping[str, Any]) -> RewardRefused:
    error = RewardRefused(_line(found.get("message", "")), _line(found.get("rule", "")))
    error.line, error.column = _integer(found.get("line")), _integer(found.get("column"))
    return error


def _fault(found: Mapping[str, Any]) -> CellFailed:
    line = _integer(found.get("line"))
    where = f"line {line}: " if line is not None else ""
    reason = str(found.get("reason"))
    known = reason if reason in ("memory", "exception", "output") else "exception"
    return CellFailed(where + _line(found["fault"]), known, line)


def _line(text: object) -> str:
    """A text of the cell's as messages may hold it, should the cell be another's by now: one line, not long."""
    return "".join(letter for letter in " ".join(str(text).split()) if letter.isprintable())[:600]


def _integer(value: object) -> int | None:
    return value if type(value) is int else None
