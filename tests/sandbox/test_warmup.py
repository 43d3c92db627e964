"""Nothing that the reward language allows needs a file or a module once the cell is locked."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = str(Path(__file__).parents[2])
CALLS = """
import sys
sys.path.insert(0, sys.argv[1]); import autoreward; sys.path.append(sys.path.pop(0))
import json, os
from autoreward.sandbox import child
child.shut_in(1 << 30, os.getppid())
import numpy as np
from autoreward.language import tables
from autoreward.sandbox import warmup
events, loaded = [], set(sys.modules)
sys.addaudithook(lambda event, args: events.append(event) if event in ("open", "import", "os.listdir") else None)
good = {}
two, three, flags, ids = np.array([[4.0, 1.0], [1.0, 3.0]]), np.arange(3.0), np.array([True, False, True]), np.arange(3)
blocks = np.arange(24.0).reshape(2, 3, 4)
nan = np.array([[np.nan, 1.0], [np.inf, -2.0]])
for array in (two, three, flags, ids, blocks, nan):
    array.setflags(write=False)  # a third argument may be where the result goes
sets = [
    (two,), (two, two), (three, 1), (ids, 1), (flags, flags), (flags, three, three), ([two, two],), ((2, 2),), (3,),
    (blocks,),
    ((2, 2), 1.0), (0.0, 1.0, 5), (two, 0, 1), ([flags, flags], [three, three]), (two, np.array([[0], [1]]), 1),
    ("ij,jk->ik", two, two), (three, three, three), (three, [flags, ~flags], [1.0, 2.0]), (three, (3,)), (nan,),
    (blocks, (2, 0, 1)), (three.astype(np.float32), 0.5), (ids, ids), ([1, 2], "x"), (None,), (nan, 50), (),
]
def attempt(function, *arguments):
    try:
        function(*arguments)
    except Exception as error:
        return isinstance(error, (ImportError, KeyError, OSError)) and repr(error)
    return True
faults = {}
for name in sorted(tables.NUMPY_FUNCTIONS | tables.NUMPY_TYPES):
    function = np
    for part in name.split("."):
        function = getattr(function, part, None)
    if function is None:
        continue
    found = [attempt(function, *arguments) for arguments in sets]
    good[name] = found.count(True)
    if odd := [text for text in found if isinstance(text, str)]:
        faults[name] = odd
for array in (two, three, flags, ids, blocks, nan, np.float32(1.5), np.int64(2), np.bool_(True)):
    for name in tables.METHODS:
        for arguments in ((), (0,), (1,), (np.float32,), ([0],), (0, 1)):
            if isinstance(text := attempt(getattr(array.copy(), name, None) or abs, *arguments), str):
                faults[name] = text
    f"{array} {array!r} {array.shape}"
print(json.dumps({"good": good, "faults": faults, "events": events, "new": sorted(set(sys.modules) - loaded)}))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="what Linux offers")
def test_every_function_of_the_language_works_in_a_locked_process() -> None:
    environment = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-I", "-B", "-c", CALLS, ROOT]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd="/")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["faults"] == {} and found["new"] == [] and found["events"] == []
    unused = [name for name, successes in found["good"].items() if not successes]
    assert not unused, "these were never called as they are meant to be"
    assert len(found["good"]) > 120
