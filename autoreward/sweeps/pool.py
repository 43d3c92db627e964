"""Carries out the runs of a sweep, several at once, on one engine.

Each run is a thread of this process, which designs, checks and analyses, and waits while workers train or a language
model writes. As many are under way as keep the engine in work, however many slots it has: another one is begun while
fewer jobs wait than are at work, and fewer runs compute here than there are cores.
"""

from __future__ import annotations

import functools
import shutil
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue

from autoreward.engine.contract import Engine
from autoreward.engine.local import cores
from autoreward.errors import AutorewardError, UserError
from autoreward.llm.prices import Prices
from autoreward.records import write_record
from autoreward.search.loop import resume, start
from autoreward.search.roles import new_chat, resolve_designer
from autoreward.sweeps.board import Board, Watch
from autoreward.sweeps.caps import Account, CappedChat, SweepStopped
from autoreward.sweeps.matrix import Planned
from autoreward.sweeps.records import SweepRecord, SweepRun
from autoreward.sweeps.shared import RunEngine, SharedEngine
from autoreward.sweeps.state import SWEEP, state

STORE = "trainings"
"""Folder of the trainings that runs of a sweep share, in the sweep's folder."""
MOST = 8
"""Runs under way at most, and four more for each training: where all of them wait for a language model."""
AHEAD = 2
"""Jobs that wait, at least, while workers start."""
TICK = 0.25
"""Seconds between two looks at the engine and the caps."""
SAVE = 5.0
"""Seconds after which `sweep.json` is written again where something has changed."""
PATIENCE = 15.0
"""Seconds that an interrupt waits for the runs to leave off; a probe of the Critic's takes up to ten."""
Outcome = tuple[Planned, BaseException | None]


@dataclass(frozen=True)
class _Active:
    """A run that is under way."""

    planned: Planned
    engine: RunEngine
    chat: CappedChat | None

    @property
    def waits(self) -> bool:
        """Whether it waits for workers or a language model, so that it computes nothing here."""
        return self.engine.at_work or (self.chat is not None and self.chat.at_work)


class Pool:
    """The runs of one sweep."""

    def __init__(
        self,
        record: SweepRecord,
        planned: Sequence[Planned],
        folder: Path,
        engine: Engine,
        account: Account,
        board: Board,
    ) -> None:
        """Set up; nothing is begun.

        Args:
            record: the sweep as it stands.
            planned: its runs, in the order in which they are carried out.
            folder: the sweep's; locked by the caller.
            engine: where trainings run; this class shuts it down only on an interrupt, its maker in any case.
            account: what the sweep has used, and its caps.
            board: is told where the runs stand.
        """
        self._folder, self._engine, self._account, self._board = folder, engine, account, board
        self._file = record.file
        self._runs = {run.name: run for run in record.runs}
        groups = dict.fromkeys((each.run.seed, each.run.task) for each in planned)
        ranks = {group: rank for rank, group in enumerate(groups)}
        self._rank = {each.run.name: ranks[each.run.seed, each.run.task] for each in planned}
        self._waiting = [each for each in planned if self._runs[each.run.name].status != "finished"]
        self._changed = threading.Event()
        self.shared = SharedEngine(engine, folder / STORE, account, self._changed.set)
        self._active: dict[str, _Active] = {}
        self._ended = SimpleQueue[Outcome]()
        self._saved = 0.0

    @property
    def record(self) -> SweepRecord:
        """The sweep as it stands."""
        runs, account = tuple(self._runs.values()), self._account
        return SweepRecord(file=self._file, runs=runs, spent=account.spent, stopped=account.stopped)

    def carry_out(self) -> SweepRecord:
        """Carry out every run that is not finished, as far as the caps allow.

        Raises:
            UserError: a run could not be begun: its settings are wrong.
            KeyboardInterrupt: everything under way has been ended; the sweep can be gone on with.
        """
        try:
            while self._waiting or self._active:
                self._begin_some()
                if not self._active and self._account.stopped:
                    break
                self._hear()
                if self._account.out_of_time():
                    self._interrupt()
                    break
                self._save_sometimes()
        except BaseException:
            self._interrupt()
            raise
        finally:
            self._save()
        return self.record

    # Beginning --------------------------------------------------------------------------------------------------

    def _begin_some(self) -> None:
        """Begin as many runs as the engine needs to stay in work."""
        while self._waiting and not self._account.stopped and self._needs_another():
            planned = self._waiting.pop(0)
            name, config = planned.run.name, planned.config
            chat = None
            if resolve_designer(config.designer, config.llm) == "llm":
                said = functools.partial(self._board.note, name)
                chat = CappedChat(new_chat(config.llm, said), self._account, Prices(config.llm))
            run = self._active[name] = _Active(planned, self.shared.of(self._rank[name]), chat)
            self._board.begin(name)
            threading.Thread(target=self._carry_out, args=(run,), name=f"run {name}", daemon=True).start()

    def _needs_another(self) -> bool:
        begun, waiting = self.shared.begun, self.shared.open - self.shared.begun
        if len(self._active) >= MOST + 4 * begun or waiting >= max(begun, AHEAD):
            return False
        return sum(not run.waits for run in self._active.values()) < cores()

    def _carry_out(self, run: _Active) -> None:
        """One run, in a thread of its own."""
        fault: BaseException | None = None
        try:
            self._run(run)
        except BaseException as error:
            fault = error
        self._ended.put((run.planned, fault))

    def _run(self, run: _Active) -> None:
        planned, path = run.planned, self._folder / run.planned.run.name
        watch = Watch(self._board, planned.run.name, self._account.check, self._check_interrupt)
        engine = None if planned.config.replay_trainings else run.engine
        if (path / "run.json").exists():
            resume(path, watch, chat=run.chat, engine=engine)
        else:
            # What a start that was killed left behind: a run begins with run.json. The sweep's lock says that no other
            # process is about to write it.
            shutil.rmtree(path, ignore_errors=True)
            command = f"autoreward sweep {self._file}"
            start(planned.task, planned.config, watch, command, chat=run.chat, engine=engine, folder=path)

    def _check_interrupt(self) -> None:
        if self.shared.interrupted:
            raise SweepStopped("interrupted")

    # Ending -----------------------------------------------------------------------------------------------------

    def _hear(self) -> None:
        """Wait for a run to end, for a moment."""
        try:
            planned, fault = self._ended.get(timeout=TICK)
        except Empty:
            return
        self._settle(planned, fault)

    def _settle(self, planned: Planned, fault: BaseException | None) -> None:
        """A run has ended.

        Raises:
            BaseException: it could not be begun, or ended through a fault that nobody expected.
        """
        name = planned.run.name
        self._active.pop(name, None)
        self._board.end(name)
        self._changed.set()
        begun = (self._folder / name / "run.json").exists()
        if fault is not None and not isinstance(fault, SweepStopped):
            expected = isinstance(fault, AutorewardError) and (begun or not isinstance(fault, UserError))
            if not expected:
                self._board.say(f"{name} ends the sweep")
                raise fault
            self._runs[name] = planned.run.model_copy(update={"status": "failed", "error": str(fault)})
        else:
            self._runs[name] = state(self._folder, planned.run)
        self._board.say(self._told(self._runs[name]))

    def _told(self, run: SweepRun) -> str:
        """How a run ended, in a line."""
        finished = sum(each.status == "finished" for each in self._runs.values())
        place = f"[{finished}/{len(self._runs)}]"
        success = run.designed.success_iqm if run.designed else None
        reached = f": designed {success:.1%}" if success is not None else ""
        return f"{place} {run.name} {run.status}{reached}{f': {run.error}' if run.error else ''}"

    def _interrupt(self) -> None:
        """End everything under way; each run is left as far as it has come."""
        self.shared.interrupted = True
        self._account.end("interrupted")
        self._engine.shutdown()
        deadline = time.monotonic() + PATIENCE
        while self._active and time.monotonic() < deadline:
            try:
                planned, _ = self._ended.get(timeout=TICK)
            except Empty:
                continue
            self._active.pop(planned.run.name, None)
            self._board.end(planned.run.name)
            self._runs[planned.run.name] = state(self._folder, planned.run)

    # sweep.json -------------------------------------------------------------------------------------------------

    def _save_sometimes(self) -> None:
        if self._changed.is_set() and time.monotonic() - self._saved >= SAVE:
            self._save()

    def _save(self) -> None:
        self._changed.clear()
        self._saved = time.monotonic()
        write_record(self._folder / SWEEP, self.record)
