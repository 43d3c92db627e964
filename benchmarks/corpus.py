"""What hostile files do under each defence, beside plain `exec` and plain RestrictedPython.

    python benchmarks/corpus.py                  the table
    python benchmarks/corpus.py --json FILE      and the figures as JSON
    python benchmarks/corpus.py --quick          every fourth file

The files are those of `autoreward/testing/corpus/arm` that must be refused or contained. They are run under outer
limits: as a user without rights where the benchmark is run as root, each in a process of its own with rlimits and a
working folder that is thrown away, killed with its group after ten seconds, and all of them in a network namespace of
their own where the system gives one.
"""

from __future__ import annotations

import argparse
import builtins
import ctypes
import fcntl
import json
import math
import multiprocessing
import os
import platform
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
TESTS = HERE.parents[1] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "sandbox")]

SECONDS = 10.0
NOBODY = 65534
TREATMENTS = {
    "exec": "plain `exec`",
    "restricted": "plain RestrictedPython, np and math given",
    "rules": "our static rules alone, then plain `exec`",
    "kernel": "our locks of the kernel alone, nothing static",
    "both": "the cell as it is",
}
WORDS = {"leaks": "gave a secret away", "changed": "changed its inputs"}
LIMITS = {
    resource.RLIMIT_CPU: 12,
    resource.RLIMIT_DATA: 2 << 30,
    resource.RLIMIT_FSIZE: 16 << 20,
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_NPROC: 256,
}


# --- plain execution, in a process that is thrown away


def restricted(source: str) -> dict[str, Any]:
    """As the documentation of RestrictedPython has it: its guards and builtins, and the modules that a reward needs."""
    import numpy as np
    from RestrictedPython import Eval, Guards, compile_restricted_exec, limited_builtins, safe_builtins

    result = compile_restricted_exec(source)
    if result.errors:
        raise SyntaxError(str(len(result.errors)))
    common = {name: getattr(builtins, name) for name in ("sum", "min", "max", "all", "any", "dict", "enumerate")}
    scope: dict[str, Any] = {
        "__builtins__": {**safe_builtins, **limited_builtins, **common},
        "__metaclass__": type,
        "__name__": "reward",
        "_getattr_": Guards.safer_getattr,
        "_getitem_": Eval.default_guarded_getitem,
        "_getiter_": Eval.default_guarded_getiter,
        "_write_": Guards.full_write_guard,
        "_unpack_sequence_": Guards.guarded_unpack_sequence,
        "_iter_unpack_sequence_": Guards.guarded_iter_unpack_sequence,
        "np": np,
        "math": math,
    }
    return {"code": result.code, "scope": scope}


def plain(source: str) -> dict[str, Any]:
    """Everything is there."""
    import numpy as np

    return {"code": compile(source, "<reward>", "exec"), "scope": {"np": np, "math": math}}


def ruled(source: str) -> dict[str, Any]:
    """What our static rules let through is executed as it is."""
    from autoreward.language.static import check
    from autoreward.testing.arm import ARM

    check(source, ARM.names, "terms")
    return plain(source)


PREPARED: dict[str, Callable[[str], dict[str, Any]]] = {"exec": plain, "restricted": restricted, "rules": ruled}


def throw_away(treatment: str, source: str, folder: str, answer: Any) -> None:  # noqa: ANN401 - a pipe's end
    """The life of one process: prepare, define, score three batches, say how it went."""
    os.setsid()
    os.chdir(folder)
    for kind, value in LIMITS.items():
        resource.setrlimit(kind, (value, value))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    from outside import CANARY, told
    from unguarded import called

    from autoreward.errors import UserError
    from autoreward.testing.arm import batch, digest

    try:
        prepared = PREPARED[treatment](source)
    except (SyntaxError, ValueError, RecursionError, MemoryError, UserError):
        answer.send({"outcome": "refused"})
        return
    found: dict[str, Any] = {"outcome": "ended", "leaks": False, "changed": False}
    try:
        exec(prepared["code"], prepared["scope"])
        for kind in ("random", "edge", "late"):
            inputs = batch(1, 16, kind)
            before = digest(inputs)
            try:
                names, values = called(prepared["scope"], inputs, (1, 16))
            finally:
                found["changed"] |= digest(inputs) != before
            found["leaks"] |= told(values) or any(CANARY in name for name in names)
    except BaseException:
        found["outcome"] = "failed"
    answer.send(found)


def executed(treatment: str, case: Any, folder: Path) -> dict[str, Any]:  # noqa: ANN401 - a Case
    """Run one file in a process that is thrown away."""
    mine, theirs = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(
        target=throw_away, args=(treatment, case.source, str(folder), theirs)
    )
    child.start()
    theirs.close()
    try:
        found: dict[str, Any] = mine.recv() if mine.poll(SECONDS) else {"outcome": "failed", "late": True}
    except EOFError:
        found = {"outcome": "failed", "died": True}
    try:
        os.killpg(child.pid or 0, signal.SIGKILL)
    except ProcessLookupError:
        child.kill()
    child.join()
    return found


# --- all treatments, as a user without rights


def own_network() -> bool:
    """Enter a network namespace with nothing but a loopback, where the system gives one."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x40000000 | (0 if os.geteuid() == 0 else 0x10000000)):
        return False
    with socket.socket() as any_socket:
        up = struct.pack("16sh14x", b"lo", 0x1 | 0x40)  # IFF_UP | IFF_RUNNING
        fcntl.ioctl(any_socket, 0x8914, up)  # SIOCSIFFLAGS
    return True


def runs(quick: bool) -> Iterator[dict[str, Any]]:
    """What each hostile file did under each treatment."""
    import hostile
    import numpy as np  # noqa: F401 - before the first fork
    import unguarded
    from outside import working_folder

    from autoreward.sandbox import process
    from autoreward.testing.arm import cases
    from autoreward.testing.outside import Outside

    os.environ["CANARY"] = hostile.CANARY
    found = [case for case in cases() if case.expect in ("reject", "contain")][:: 4 if quick else 1]
    for treatment in TREATMENTS:
        outside = Outside([Path("/")])
        for case in found:
            with working_folder() as folder:
                outside.folders[1:] = [folder]
                if treatment in PREPARED:
                    did = executed(treatment, case, folder)
                else:
                    process._BOOT = unguarded.boot(hostile.BOOT, folder) if treatment == "kernel" else hostile.BOOT
                    cell = process.ProcessCell(deadline=2.0)
                    did = hostile.scored(case, cell)
                    cell.close()
                time.sleep(0.02)  # for what is on its way to a socket
                seen = outside.effects() + [word for word in ("leaks", "changed") if did.get(word)]
                outcome = {"scored": "ended"}.get(did["outcome"], did["outcome"])
                yield {"treatment": treatment, "name": case.name, "outcome": outcome, "effects": seen}
        outside.close()


def worker(quick: bool) -> None:
    """What runs as a user without rights."""
    for one in runs(quick):
        print(json.dumps(one), flush=True)


def gathered(quick: bool) -> list[dict[str, Any]]:
    """Start the worker, and take in what it says."""
    if not own_network():
        print("no network namespace: hostile files talk to this machine's loopback", file=sys.stderr)
    command = [str(HERE), "--worker", *(["--quick"] if quick else [])]
    environment = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "HOME": "/nonexistent"}
    with tempfile.TemporaryDirectory(prefix="python-") as place:
        Path(place).chmod(0o755)
        python, more = Path(sys.executable), {}
        if os.geteuid() == 0:
            from conftest import can_run, linked_python

            python = python if can_run(python) else linked_python(Path(place))
            more = {"user": NOBODY, "group": NOBODY, "extra_groups": [], "cwd": "/"}
        done = subprocess.run(
            [python, *command], stdout=subprocess.PIPE, text=True, check=True, env=environment, **more
        )  # type: ignore[call-overload]
    return [json.loads(line) for line in done.stdout.splitlines()]


def summary(found: list[dict[str, Any]]) -> dict[str, Any]:
    """How many files each treatment refused, and so on, and which files had which effect."""
    figures = {}
    for treatment in TREATMENTS:
        of = [one for one in found if one["treatment"] == treatment]
        counts = Counter(one["outcome"] for one in of)
        figures[treatment] = {
            "refused": counts["refused"],
            "failed": counts["failed"],
            "ended": counts["ended"],
            "effects": {one["name"]: kinds(one["effects"]) for one in of if one["effects"]},
        }
    versions = {name: version(name) for name in ("numpy", "RestrictedPython")}
    system = f"{platform.system()} {platform.release()} {platform.machine()}, Python {platform.python_version()}"
    return {"files": len(found) // len(TREATMENTS), "system": system, **versions, "treatments": figures}


def kinds(effects: list[str]) -> list[str]:
    """What was seen, without the names of throw-away folders."""
    return sorted({"wrote a file" if effect.startswith("wrote") else WORDS.get(effect, effect) for effect in effects})


def table(figures: dict[str, Any]) -> str:
    """The figures, as Markdown."""
    lines = [
        f"| {figures['files']} hostile files under | refused before they ran | failed later | ran to their end "
        "| had an effect |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for treatment, words in TREATMENTS.items():
        of = figures["treatments"][treatment]
        cells = [of["refused"], of["failed"], of["ended"], len(of["effects"])]
        lines.append(f"| {words} | " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        worker(arguments.quick)
        return
    found = gathered(arguments.quick)
    figures = summary(found)
    print(table(figures))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
