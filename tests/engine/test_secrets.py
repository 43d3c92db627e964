"""No key of the orchestrator's reaches a worker, an evaluator, a cell or a file: a real run with a canary for a key."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

CANARY = "sk-canary-5f1e0c7a9b"
ROOT = Path(__file__).parents[2]
RUN = '''
import json, os, subprocess, sys, tempfile
from pathlib import Path
from autoreward.engine.local import LocalEngine
from autoreward.llm.scripted import ScriptedChat
from autoreward.search.loop import start
from autoreward.search.observer import Observer
from autoreward.testing.run import small_run
from autoreward.testing.trainer import CLIMB, line_task

assert os.environ["OPENAI_API_KEY"] == sys.argv[1]
KINDS = {"autoreward.engine.worker": "worker", "autoreward.training.evaluator": "evaluator", "sandbox.child": "cell"}
SPY = """
import os, re, sys
for name in ("environ", "mem"):
    try:
        with open(f"/proc/{sys.argv[1]}/{name}", "rb", 0) as file:
            file.seek(int(sys.argv[2]) if name == "mem" else 0)
            print(name, "read", len(file.read(64)))
    except OSError as error:
        print(name, "denied", error.strerror)
"""

class Watcher(Observer):
    """Looks at every process that the run has started, and keeps what it saw of each kind last."""

    found = {}

    def training_progress(self, label, seed, state):
        if state.stage != "training":
            return
        for pid in filter(str.isdecimal, os.listdir("/proc")):
            try:
                command = Path(f"/proc/{pid}/cmdline").read_text().replace(chr(0), " ")
                ancestors, above = [], pid
                while above not in ("0", "1"):
                    above = Path(f"/proc/{above}/stat").read_text().rpartition(")")[2].split()[1]
                    ancestors.append(int(above))
            except OSError:
                continue
            kind = next((kind for words, kind in KINDS.items() if words in command), None)
            if kind and os.getpid() in ancestors:
                self.found[kind] = {"pid": int(pid), "command": command, "environ": self.environ(pid)}

    def environ(self, pid):
        try:
            return Path(f"/proc/{pid}/environ").read_text()
        except PermissionError:
            return None

runs = Path(tempfile.mkdtemp())
config = small_run(runs, steps=8_000, slots=1, trainer={})
idea = f"```python\\n{CLIMB}```"
chat = ScriptedChat([idea, '{"verdict": "approve"}', '{"findings": []}'])
watcher = Watcher()
run = start(line_task(), config, watcher, "typed", chat=chat, engine=LocalEngine(1, 60))
address = id(os.environ["OPENAI_API_KEY"])
spied = subprocess.run([sys.executable, "-c", SPY, str(os.getpid()), str(address)], capture_output=True, text=True)
print(json.dumps({"run": str(run), "found": watcher.found, "spied": spied.stdout.split("\\n"), "euid": os.geteuid()}))
'''


def as_this_user(code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=os.environ | environment,
    )


@pytest.fixture(params=["this user", "a user without rights"])
def run_code(request: pytest.FixtureRequest) -> Callable[..., subprocess.CompletedProcess[str]]:
    if request.param == "this user":
        return as_this_user
    return request.getfixturevalue("unprivileged")  # type: ignore[no-any-return]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_key_stays_with_the_orchestrator(run_code: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = run_code(RUN, CANARY, OPENAI_API_KEY=CANARY, SOME_TOKEN=CANARY)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert set(told["found"]) == {"worker", "evaluator", "cell"}, "all kinds of processes were seen at work"
    for kind, process in told["found"].items():
        assert CANARY not in process["command"], kind
        if process["environ"] is not None:
            assert CANARY not in process["environ"], kind
            assert "OMP_NUM_THREADS=1" in process["environ"], f"the environment of the {kind} was read"
    if told["euid"] == 0:
        assert all(process["environ"] for process in told["found"].values()), "root reads every environment"
    else:
        assert all(process["environ"] is None for process in told["found"].values()), "they hide from their own user"
        assert told["spied"][:2] == ["environ denied Permission denied", "mem denied Permission denied"]
    files = [path for path in Path(told["run"]).rglob("*") if path.is_file()]
    assert {"job.json", "worker.log", "run.json", "run.log", "environment.txt"} <= {path.name for path in files}
    assert not [path for path in files if CANARY.encode() in path.read_bytes()]
