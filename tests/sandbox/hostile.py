"""Runs files of the corpus under outer limits and says what each of them did; `test_corpus.py` judges that.

A program of its own, so that limits, user and working folder are its own too. It prints a line of JSON for each file.
`python hostile.py verified`: as the project runs programs. `python hostile.py locked`: hostile files in cells without
any check of the language, so that the kernel's locks alone hold them. `python hostile.py open`: the few of `CONTROL`
without these locks too, which shows that effects would be seen.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import unguarded
from outside import CANARY, FORGERS, limit, told, working_folder

from autoreward.critic.verify import verify
from autoreward.errors import CellFailed, RewardRefused
from autoreward.sandbox import process
from autoreward.sandbox.contract import Cell, Memory
from autoreward.sandbox.inprocess import InProcessCell
from autoreward.sandbox.process import ProcessCell
from autoreward.testing.arm import ARM, Case, batch, begun, cases, digest, recorded
from autoreward.testing.outside import Outside
from autoreward.testing.programs import Pool

BOOT = process._BOOT
DEADLINE = 0.5
CONTROL = ("fs_001_open_write", "gad_040_memmap_read_leak", "net_001_tcp_connect", "net_004_unix_abstract")
LAYERS = ("namespaces", "landlock", "seccomp")


def scored(case: Case, cell: Cell) -> dict[str, Any]:
    """Load a file and score three batches with it, without a dry run before."""
    try:
        program = cell.load(case.source, ARM, "terms")
    except RewardRefused as error:
        return {"outcome": "refused", "rule": error.rule, "line": error.line, "column": error.column}
    except CellFailed as error:
        return {"outcome": "failed", "reason": error.reason, "said": str(error), "leaks": CANARY in str(error)}
    leaks, valid = False, True
    for kind in ("random", "edge", "late"):
        inputs = batch(2, 8, kind)
        before = digest(inputs)
        try:
            terms = cell.score(inputs, begun(2, 8), Memory()).terms
        except CellFailed as error:
            said = {"outcome": "failed", "reason": error.reason, "said": str(error)}
            return {**said, "changed": digest(inputs) != before, "leaks": CANARY in str(error)}
        leaks |= any(CANARY in name or told(values) for name, values in terms.items())
        valid &= set(terms) == set(program.weights) and digest(inputs) == before
        valid &= all(values.shape == (2, 8) and np.isfinite(values).all() for values in terms.values())
    return {"outcome": "scored", "valid": bool(valid), "leaks": bool(leaks)}


def changes_here(case: Case) -> bool:
    """Whether a file that writes into its inputs succeeds where they are the caller's own arrays."""
    return case.category == "mutation" and bool(scored(case, InProcessCell()).get("changed", False))


def verified(found: list[Case]) -> Iterator[dict[str, Any]]:
    """What each file does in a cell by itself, and what the verifier says of it. The cells serve many files."""
    pool = Pool(lambda: ProcessCell(deadline=DEADLINE))
    try:
        for case in found:
            cell = pool.lend()
            alone = scored(case, cell)
            cell.close()
            transitions = recorded()
            before = digest(transitions.inputs)
            verdict = verify(case.source, ARM, "terms", transitions, pool.lend)
            failed = next((check for check in verdict.checks if check.verdict == "fail"), None)
            yield {
                "name": case.name,
                "alone": alone,
                "status": verdict.status,
                "check": failed.name if failed else "",
                "said": verdict.reason,
                "changed": digest(transitions.inputs) != before or alone.get("changed", False) or changes_here(case),
            }
    finally:
        pool.close()


def locked(found: list[Case], without: tuple[str, ...] = ()) -> Iterator[dict[str, Any]]:
    """What each file does where the kernel's locks alone hold it, or those locks that are not left out.

    A cell serves the next file where the last one was stopped by an exception; otherwise there is a new one, lest what
    a file has left behind stops the next.
    """
    process._BOOT = unguarded.boot(BOOT, Path.cwd())
    cell = ProcessCell(deadline=DEADLINE, least="C" if without else "B", without=without)
    try:
        for case in found:
            level = cell.start().level
            alone = scored(case, cell)
            yield {"name": case.name, "alone": alone, "level": level}
            if alone.get("reason") != "exception":
                cell.close()
    finally:
        cell.close()


def main(mode: str) -> None:
    """Run the files and print what each did: `verified`, `locked` or `open`."""
    limit()
    os.environ["CANARY"] = CANARY
    found = [*cases(), *FORGERS]
    runs = {
        "verified": lambda: verified(found),
        "locked": lambda: locked([case for case in found if case.expect in ("reject", "contain")]),
        "open": lambda: locked([case for case in found if case.name in CONTROL or case in FORGERS], LAYERS),
    }
    with working_folder() as folder:
        outside = Outside([folder, Path("/")], kept=folder)
        for told_of in runs[mode]():
            print(json.dumps({**told_of, "effects": outside.effects()}), flush=True)
        print(json.dumps({"name": "", "effects": outside.effects()}))  # of what came late
        outside.close()


if __name__ == "__main__":
    main(sys.argv[1])
