"""A cell whose process forges frames, or changes shared memory while the parent reads: the parent survives."""

import sys
import time

import numpy as np
import pytest

from autoreward.errors import CellFailed
from autoreward.sandbox.contract import Memory, Scores
from autoreward.sandbox.process import ProcessCell
from autoreward.testing.cell import PLAIN, SCHEMA, episodes, sample

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="sealed memory is Linux's"),
    pytest.mark.any_user,
]

FORGER = """
import json, mmap, os, struct, sys, threading
sys.stdin, replies = os.fdopen(0, "rb"), os.fdopen(1, "wb")
def send(fields, arrays=(), shared=False):
    header = json.dumps({"fields": fields, "arrays": arrays, "shared": shared}).encode()
    replies.write(struct.pack("<IQ", len(header), 0) + header)
    replies.flush()
def repeat():
    replies.write(struct.pack("<IQ", 0, 0))
    replies.flush()
def receive():
    header, payload = struct.unpack("<IQ", sys.stdin.read(12))
    return sys.stdin.read(header + payload)
descriptors = [int(number) for number in sys.argv[6].split(",")]
outputs = mmap.mmap(descriptors[1], 0)
send({"ready": {"probes": {}, "filters": 0, "landlock": 0}})
receive()
send({"program": {"idea": "", "weights": {"near": 1.0, "effort": 1.0}, "state_fields": [],
    "next_state_fields": ["height"], "reads_action": False, "uses_memory": False, "source": ""}})
receive()
NAMES, TERMS, SECONDS = {"names": ["near", "effort"]}, ["terms", "f", [2, 2, 3]], ["seconds", "d", []]
"""


def score(cell: ProcessCell, rows: int = 3, seed: int = 0) -> Scores:
    return cell.score(sample(2, rows, seed), episodes(2, rows), Memory())


def forged(code: str, monkeypatch: pytest.MonkeyPatch) -> ProcessCell:
    """A cell whose process runs that code when it has been asked for scores."""
    monkeypatch.setattr("autoreward.sandbox.process._BOOT", FORGER + code)
    cell = ProcessCell(least="C", deadline=5.0)
    cell.load(PLAIN, SCHEMA, "terms")
    return cell


@pytest.mark.parametrize(
    "code",
    [
        "send(NAMES, [['terms', 'f', [2, 2, 2 ** 28]], SECONDS], True)",
        "send(NAMES, [['terms', 'f', [2, 2, 3]], ['seconds', 'd', [2 ** 27]]], True)",
        "send(NAMES, [['terms', 'f', [2, 2, 3, 0, 2 ** 30, 2 ** 30]], SECONDS], True)",
        "send(NAMES, [['terms', 'f', [2, 2, -3]], SECONDS], True)",
        "send(NAMES, [['terms', 'O', [2, 2, 3]], SECONDS], True)",
        "send(NAMES, [['terms', 'f', [2, 2, 4]], SECONDS], True)",
        "send(NAMES, [TERMS, SECONDS], 1)",
        "send(NAMES, [TERMS, SECONDS], False)",
        "send(NAMES, [TERMS], True)",
        "send({'names': ['near', 'near']}, [TERMS, SECONDS], True)",
        "send({'names': 2}, [TERMS, SECONDS], True)",
        "send(NAMES, [TERMS, SECONDS, ['memory.x', 'd', [3]]], True)",
        "send(NAMES, [TERMS, SECONDS, ['memory.x', 'd', [2]], ['present.x', '?', [2]]], True)",
        "repeat()",
        "replies.write(os.urandom(200)); replies.flush()",
    ],
)
def test_a_forged_frame_ends_the_cell(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = forged(code + "\nreceive()", monkeypatch)
    with pytest.raises(CellFailed, match=r"malformed|longer than") as caught:
        score(cell)
    assert caught.value.reason in ("died", "deadline") and cell.pid is None


TOO_LONG = "replies.write(struct.pack('<IQ', {header}, {payload})); replies.flush(); receive()"


@pytest.mark.parametrize(("header", "payload"), [(2, 1 << 16), (1 << 19, 0)])
@pytest.mark.parametrize("phase", ["start", "load", "score"])
def test_a_reply_longer_than_the_request_explains_is_not_waited_for(
    phase: str, header: int, payload: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it announces never comes: whoever began to read it would run into the deadline."""
    honest = {"start": FORGER.partition('send({"ready"')[0], "load": FORGER.partition('send({"program"')[0]}
    code = honest.get(phase, FORGER) + TOO_LONG.format(header=header, payload=payload)
    monkeypatch.setattr("autoreward.sandbox.process._BOOT", code)
    cell = ProcessCell(least="C", deadline=5.0)
    with pytest.raises(CellFailed, match="malformed") as caught:
        cell.load(PLAIN, SCHEMA, "terms")
        score(cell)
    assert caught.value.reason == ("start" if phase == "start" else "died")


def test_garbage_in_shared_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = forged("outputs[:] = b'\\xff' * len(outputs)\nsend(NAMES, [TERMS, SECONDS], True)\nreceive()", monkeypatch)
    with pytest.raises(CellFailed, match="NaN") as caught:
        score(cell)
    assert caught.value.reason == "output"
    cell.close()


TRUNCATE = """
def attempt(call, *arguments):
    try:
        call(*arguments)
        return 1.0
    except OSError:
        return 0.0
import ctypes
tried = [attempt(os.ftruncate, descriptor, size) for descriptor in descriptors for size in (0, 1 << 30)]
tried.append(attempt(os.pwrite, descriptors[0], b"x", 0))
outputs[:16] = struct.pack("<4f", *tried[:4])
outputs[16:20] = struct.pack("<f", tried[4])
send(NAMES, [TERMS, SECONDS], True)
receive()
"""


def test_a_cell_cannot_truncate_what_the_parent_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = forged(TRUNCATE, monkeypatch)
    scores = score(cell)
    assert not any(term.any() for term in scores.terms.values()), "each attempt was refused"
    cell.close()


FLICKER = """
good, bad = struct.pack("<12f", *[1.0] * 12), struct.pack("<12f", *[float("nan")] * 12)
def flicker():
    while True:
        outputs[:48] = bad
        outputs[:48] = good
threading.Thread(target=flicker, daemon=True).start()
send(NAMES, [TERMS, SECONDS], True)
while True:
    receive()
    repeat()
"""


def test_what_was_checked_does_not_change_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = forged(FLICKER, monkeypatch)
    kept: list[Scores] = []
    refused = 0
    end = time.monotonic() + 20.0
    while (len(kept) < 100 or not refused) and time.monotonic() < end:
        try:
            kept.append(score(cell))
        except CellFailed as error:
            assert error.reason == "output"
            refused += 1
    cell.close()
    assert len(kept) >= 100 and refused, "both kinds of numbers were met"
    for scores in kept:
        for term in scores.terms.values():
            np.testing.assert_array_equal(term, 1.0)
