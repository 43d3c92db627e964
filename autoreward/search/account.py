"""What the search has spent, and whether its caps allow more. Kept in the run folder, so it holds over resumptions."""

from __future__ import annotations

import time

from autoreward.llm.recorded import RecordedChat
from autoreward.search.racing import most_steps, rungs
from autoreward.store.folder import RunFolder
from autoreward.store.records import RunRecord, Spent


class Account:
    """Counts environment steps, seconds and calls of a run's search."""

    def __init__(self, folder: RunFolder, run: RunRecord, chat: RecordedChat | None) -> None:
        self._folder, self._run, self._chat = folder, run, chat
        self._before, self._began = folder.spent().wall_seconds, time.monotonic()
        if chat is not None:
            chat.meter.further_cap = self.out_of_time

    @property
    def stopped(self) -> str:
        """Which cap ended the search, in words; empty where none did."""
        return self._folder.spent().stopped

    def save(self, stopped: str = "") -> None:
        """Write `spent.json`; once a cap has ended the search, that stays said."""
        self._folder.write_spent(
            Spent(
                env_steps=self._env_steps(),
                wall_seconds=self._seconds(),
                llm_calls=self._chat.calls if self._chat else 0,
                llm_tokens=self._chat.tokens if self._chat else 0,
                llm_usd=self._chat.meter.usd if self._chat else 0.0,
                stopped=stopped or self.stopped,
            )
        )

    def out_of_time(self) -> str:
        """The cap on wall time in words, once it is reached."""
        cap = self._run.config.budget.wall_seconds
        return f"budget.wall_seconds = {cap} is reached" if cap is not None and self._seconds() >= cap else ""

    def affordable(self, round_: int) -> tuple[int, str]:
        """How many candidates of a round the caps allow, however many go on, and the cap that allows none, in words."""
        config = self._run.config
        if over := self.out_of_time():
            return 0, over
        cap = config.budget.env_steps
        if cap is None:
            return config.candidates, ""
        task, seeds, left = self._run.task, config.search_seeds, cap - self._env_steps(before=round_)
        steps = rungs(task, config.halvings)
        fitting = [n for n in range(config.candidates + 1) if seeds * most_steps(n, steps) <= left]
        why = f"budget.env_steps = {cap} is reached: a candidate costs {seeds * task.steps} steps"
        return max(fitting, default=0), why

    def shortened(self) -> str:
        """The cap on environment steps in words, where it left a round fewer candidates than it was to have."""
        wanted, cap = self._run.config.candidates, self._run.config.budget.env_steps
        for round_ in self._folder.rounds() if cap is not None else ():
            if (had := len(self._folder.candidates(round_))) < wanted:
                return f"budget.env_steps = {cap} left round {round_} with {had} of {wanted} candidates"
        return ""

    def _seconds(self) -> float:
        return self._before + time.monotonic() - self._began

    def _env_steps(self, before: int | None = None) -> int:
        """Steps of the recorded candidates, of the rounds before one or of all."""
        records = self._folder.all_candidates()
        return sum(
            len(record.trainings) * record.steps - record.unspent
            for record in records
            if before is None or record.round < before
        )
