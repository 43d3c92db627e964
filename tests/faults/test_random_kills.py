"""`kill -9` at random moments of short sweeps: of the process that carries them out, of workers, cells and evaluators.

Each is begun again by the same command until it is finished, and has then found what an undisturbed one finds: every
record equal but for times, nothing that was recorded written again, no recorded reply asked for again. The sweeps are
of three kinds: of the composer, two arms that share baselines; of a language model on loopback, which counts what it is
asked; and with real trainings, in workers with cells and evaluators. The first two train with a trainer that takes a
moment. There are two halves, for two processes of pytest. Their logs, with the seed and every kill, begin with
`AUTOREWARD_FAULTS_LOG`, by default in the tests' folder of temporary files; summaries stand at the end of what pytest
prints.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sweeping import begin, children_of, damaged, finished, kill, prompts, results, wait_until_alone, write_sweep

from autoreward.llm.calls import prompt_hash
from autoreward.llm.contract import Message
from autoreward.testing.trainer import CLIMB

sys.path.insert(0, str(Path(__file__).parents[1] / "llm"))
from faulty_endpoint import Endpoint, endpoint

SWEEPS = int(os.environ.get("AUTOREWARD_FAULTS", "50"))
SEED = int(os.environ.get("AUTOREWARD_FAULTS_SEED", "0")) or secrets.randbelow(10**6)
PENDULUM = {
    "env": "InvertedPendulum-v5",
    "text": "Keep the pole upright.",
    "success": "abs(pole_on_cart_vertical_angle) < 0.01",
    "step_limit": 40,
}
KINDS: dict[str, dict[str, Any]] = {
    "composer": {"overrides": [{"name": "one"}, {"name": "two", "candidates": 2}]},
    "llm": {"config": {"designer": "llm", "analyzer": "full"}},
    "trained": {  # worlds that can be put back: trainings go on from their checkpoints as if nothing had been
        "tasks": [PENDULUM],
        "config": {
            "trainer": {"num_envs": 4, "rollout": 32, "minibatch": 64, "epochs": 2, "evaluations": 2},
            "steps": 2048,
        },
    },
}
SHARES = {"composer": 9, "llm": 9, "trained": 2}
"""Of twenty sweeps."""
MOST = {"parent": 2, "child": 2}
"""Kills of one sweep, at most; a training whose worker is killed four times is given up."""
PROGRAM = f"One term.\n\n```python\n{CLIMB.replace('position', 'obs_0')}```\n"


def answer(request: dict[str, Any]) -> str:
    """What the language model says: the same words to the same prompt."""
    system = request["messages"][0]["content"]
    if system.startswith("You review"):
        return '{"verdict": "approve"}'
    if system.startswith("You analyse"):
        return '{"findings": []}'
    return PROGRAM.replace("2.0", f"{1 + int(asked(request), 16) % 97}.0")


def asked(request: dict[str, Any]) -> str:
    """The prompt's hash, as it is recorded."""
    return prompt_hash(tuple(Message.model_validate(message) for message in request["messages"]))


class Log:
    """Lines of a file, each written at once."""

    def __init__(self, path: Path, first: str) -> None:
        self._path = path
        path.write_text(first + "\n")

    def add(self, line: str) -> None:
        with self._path.open("a") as file:
            file.write(line + "\n")


@dataclass
class Disturbed:
    """A sweep that is killed, and what was seen."""

    place: Path
    server: Endpoint
    key: str
    kills: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    """Prompts whose replies were on their way when the process was killed."""
    trainings: int = 0
    """Those under way when it was."""
    records: dict[Path, bytes] = field(default_factory=dict)
    """What was written when it was killed last."""

    @property
    def sweep(self) -> Path:
        return self.place / "sweep"

    def carry_out(self, chance: random.Random, seconds: float, log: Log) -> None:
        """Until it is finished, killed on the way; `seconds` is what an undisturbed one takes."""
        left = {victim: chance.randint(0, most) for victim, most in MOST.items()}
        left["parent"] = max(left["parent"], 1)
        while True:
            process, ended, cells = begin(self.place, self.key), False, self.kills["cell"]
            assert process.pid is not None
            while any(left.values()) and not ended:
                victim = chance.choice([each for each, count in left.items() if count])
                process.join(chance.uniform(0.0, 0.4 * seconds))
                ended = process.exitcode is not None
                if ended:
                    break
                left[victim] -= 1
                if victim == "child":
                    self._kill_child(process.pid, chance, log)
                else:
                    self._kill_parent(process.pid, log)
                    ended = True
            process.join(300)
            assert process.exitcode is not None, "it hangs"
            if process.exitcode == 1 and self.kills["cell"] - cells > 1:
                # Both cells of one check: its run is left as failed through the machine, and gone on with.
                assert "a fault of this machine" in (self.place / "said").read_text()
                log.add("  the run of two killed cells failed")
                continue
            if process.exitcode >= 0:
                assert process.exitcode == 0, (self.place / "said").read_text()
                return

    def _kill_child(self, parent: int, chance: random.Random, log: Log) -> None:
        children = sorted((pid, kind) for pid, kind in children_of(parent).items() if kind != "other")
        if children:
            pid, kind = chance.choice(children)
            if kill(pid):
                self.kills[kind] += 1
                log.add(f"  {kind} {pid}")

    def _kill_parent(self, parent: int, log: Log) -> None:
        children = children_of(parent)
        if not kill(parent):
            return
        self.kills["parent"] += 1
        assert not wait_until_alone(children), "a process went on after its parent was killed"
        under_way = [path for path in self.sweep.glob("*/trainings/*/progress.json") if not _has_result(path.parent)]
        self.trainings += len(under_way)
        before = self.lost.total()
        recorded = prompts(self.sweep) if self.sweep.exists() else Counter()
        self.lost = Counter(map(asked, self.server.requests)) - recorded
        log.add(f"  parent: {len(under_way)} trainings under way, {self.lost.total() - before} replies on their way")
        self.records = finished(self.sweep)


def _has_result(folder: Path) -> bool:
    return any(folder.glob("result-*.json"))


@pytest.fixture
def server() -> Iterator[Endpoint]:
    with endpoint(answer) as made:
        yield made


def prepare(place: Path, kind: str, server: Endpoint) -> None:
    changes = json.loads(json.dumps(KINDS[kind]))
    if kind == "llm":
        changes["config"]["llm"] = {"base_url": server.url, "model": "tiny", "concurrency": 1}
    write_sweep(place, **changes)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("half", [0, 1])
def test_sweeps_killed_at_random_moments(
    half: int, tmp_path: Path, server: Endpoint, record_property: Callable[[str, object], None]
) -> None:
    path, sweeps = Path(f"{os.environ.get('AUTOREWARD_FAULTS_LOG', tmp_path / 'faults')}-{half}.log"), SWEEPS // 2
    log, chance = Log(path, f"seed {SEED}, half {half}, {sweeps} sweeps"), random.Random(2 * SEED + half)
    undisturbed: dict[str, tuple[float, dict[str, Any]]] = {}
    total, under_way, replies = Counter[str](), 0, 0
    try:
        for number in range(sweeps):
            kind = chance.choices(list(SHARES), weights=list(SHARES.values()))[0]
            if kind not in undisturbed:
                undisturbed[kind] = alone(tmp_path / kind, kind, server)
            seconds, expected = undisturbed[kind]
            server.requests.clear()
            log.add(f"sweep {number}, {kind}; undisturbed it took {seconds:.0f} s")
            disturbed = Disturbed(tmp_path / f"{number:03d}", server, "key" if kind == "llm" else "")
            prepare(disturbed.place, kind, server)
            try:
                disturbed.carry_out(chance, seconds, log)
            finally:
                total, under_way = total + disturbed.kills, under_way + disturbed.trainings
                replies += disturbed.lost.total()
            compare(disturbed, expected)
    finally:
        killed = ", ".join(f"{count} {victim}" for victim, count in total.most_common())
        told = f"killed: {killed}; lost: {under_way} trainings under way, {replies} replies on their way"
        log.add(told)
        record_property("told", f"faults: seed {SEED}, half {half}, {sweeps} sweeps; {told}; log: {path}")


def alone(place: Path, kind: str, server: Endpoint) -> tuple[float, dict[str, Any]]:
    """Seconds and results of a sweep that nobody disturbs."""
    server.requests.clear()
    prepare(place, kind, server)
    began, process = time.monotonic(), begin(place, "key" if kind == "llm" else "")
    process.join(600)
    assert process.exitcode == 0, (place / "said").read_text()
    assert Counter(map(asked, server.requests)) == prompts(place / "sweep")
    return time.monotonic() - began, results(place / "sweep")


def compare(disturbed: Disturbed, expected: dict[str, Any]) -> None:
    found = results(disturbed.sweep)
    assert found.keys() == expected.keys()
    for name, record in expected.items():
        assert found[name] == record, name
    for path, data in disturbed.records.items():
        assert path.read_bytes() == data, f"{path} was done again"
    assert not damaged(disturbed.sweep)
    recorded = prompts(disturbed.sweep)
    assert Counter(map(asked, disturbed.server.requests)) == recorded + disturbed.lost, "a reply was paid for twice"
