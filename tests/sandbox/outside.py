"""Outer limits for hostile files, what lies about for them, and programs that are after it."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.testing.arm import Case
from autoreward.testing.outside import EXAMPLE_RUN, write_valuables

CANARY = "CANARY7Q"
"""In the working folder, in the environment and in a global of this process: no program may bring it out."""
SECONDS = 280
"""After which everything is ended."""

HARNESS_SECRET = CANARY


RUN = f"runs/{EXAMPLE_RUN}"
ATTEMPTS = {
    "own_policy": 'open("policy.safetensors", "wb").write(b"forged")',
    "own_result": 'np.save(open("result-1000.json", "wb"), np.ones(3))',
    "another_result": f'open("{RUN}/trainings/another/result-1000.json", "wb").write(b"forged")',
    "another_policy": f"""import os
    os.replace("{RUN}/trainings/mine/policy.safetensors", "{RUN}/trainings/another/policy.safetensors")""",
    "report": f'np.ones(3).tofile("{RUN}/report.json")',
    "run_folder": f"""import os
    os.rename("{RUN}", "runs/gone")""",
}
"""What a program would do for a better rank."""
FORGERS = [
    Case(
        name=f"forge_{name}",
        source='WEIGHTS = {"a": 1.0}\ndef compute_reward(state, action, next_state, memory):\n'
        f'    {attempt.strip()}\n    return {{"a": next_state["height"]}}\n',
        expect="reject",
        category="forging",
    )
    for name, attempt in ATTEMPTS.items()
]


@contextmanager
def working_folder() -> Iterator[Path]:
    """A new folder with a secret, policies, results and a run folder, which becomes the working folder."""
    folder, before = Path(tempfile.mkdtemp(prefix="corpus-")), Path.cwd()
    (folder / "secret.txt").write_text(CANARY * 4)
    write_valuables(folder)
    os.chdir(folder)
    try:
        yield folder
    finally:
        os.chdir(before)
        shutil.rmtree(folder, ignore_errors=True)


def limit() -> None:
    """Outer limits, for this process and all that it starts."""
    for kind, value in {
        resource.RLIMIT_CPU: SECONDS,
        resource.RLIMIT_DATA: 3 << 30,
        resource.RLIMIT_FSIZE: 64 << 20,
        resource.RLIMIT_CORE: 0,
    }.items():
        resource.setrlimit(kind, (value, value))
    signal.alarm(SECONDS)


def told(values: NDArray[Any]) -> bool:
    """Whether the canary is in the values, a letter a row."""
    letters = np.nan_to_num(values.reshape(-1).astype(np.float64)).clip(0, 255).astype(np.uint8)
    return CANARY.encode() in letters.tobytes()
