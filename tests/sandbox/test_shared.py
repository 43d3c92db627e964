"""Shared memory: what the kernel refuses the cell, and that nothing of it stays behind."""

import contextlib
import gc
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from autoreward.errors import CellFailed
from autoreward.sandbox import shared
from autoreward.sandbox.contract import Memory, Scores
from autoreward.sandbox.inprocess import InProcessCell
from autoreward.sandbox.process import ProcessCell
from autoreward.testing.cell import BEST, PLAIN, SCHEMA, episodes, sample, score_in_chunks

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="sealed memory is Linux's")

ATTACKS = """
import ctypes, fcntl, mmap, os, sys
from autoreward.sandbox import shared

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]

def call(found):
    if found == -1:
        raise OSError(ctypes.get_errno(), "refused")

def make_writable(descriptor):
    address = libc.mmap(None, 4096, mmap.PROT_READ, mmap.MAP_SHARED, descriptor, 0)
    call(libc.mprotect(address, 4096, mmap.PROT_READ | mmap.PROT_WRITE))

def remove_pages(descriptor):
    address = libc.mmap(None, 4096, mmap.PROT_READ, mmap.MAP_SHARED, descriptor, 0)
    call(libc.madvise(address, 4096, 9))  # MADV_REMOVE

def open_again(descriptor):
    mmap.mmap(os.open(f"/proc/self/fd/{descriptor}", os.O_RDWR), 0)

def refused(attack, *arguments):
    try:
        attack(*arguments)
    except (OSError, ValueError):
        return
    sys.exit(f"not refused: {attack.__name__} {arguments}")

blocks = shared.create(1 << 16)
for descriptor in blocks.descriptors:
    for size in (0, 4096, 1 << 20):
        refused(os.ftruncate, descriptor, size)
    refused(os.posix_fallocate, descriptor, 0, 1 << 20)
    refused(fcntl.fcntl, descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE)
inputs, outputs = blocks.descriptors
refused(mmap.mmap, inputs, 0)
refused(make_writable, inputs)
refused(remove_pages, inputs)
refused(open_again, inputs)
refused(os.write, inputs, b"x")
refused(os.pwrite, inputs, b"x", 0)
refused(lambda: call(libc.fallocate(inputs, 3, ctypes.c_long(0), ctypes.c_long(4096))))  # PUNCH_HOLE | KEEP_SIZE
mmap.mmap(outputs, 0)[:1] = b"x"
print("all refused")
"""


def test_a_block_can_neither_be_resized_nor_its_inputs_changed(
    unprivileged: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    here = subprocess.run([sys.executable, "-c", ATTACKS], capture_output=True, text=True, check=False)
    for done in (here, unprivileged(ATTACKS)):
        assert done.stdout == "all refused\n", done.stderr


def test_the_child_sees_what_the_parent_writes_and_cannot_write_there() -> None:
    blocks = shared.create(1 << 16)
    assert blocks is not None
    theirs = shared.attach(*(os.dup(descriptor) for descriptor in blocks.descriptors))
    blocks.close_descriptors()
    slots: tuple[shared.Slot, ...] = (("a", np.dtype(np.float32), (2, 3), 6, 16),)
    blocks.inputs.places(slots)["a"][...] = 4.0
    seen = theirs.inputs.places(slots)["a"]
    np.testing.assert_array_equal(seen, np.full((2, 3), 4.0))
    for change in (lambda: seen.fill(0.0), lambda: seen.setflags(write=True)):
        with pytest.raises(ValueError, match=r"read-only|WRITEABLE"):
            change()
    theirs.outputs.places(slots)["a"][...] = 5.0
    np.testing.assert_array_equal(blocks.outputs.places(slots)["a"], np.full((2, 3), 5.0))


USED = """
from autoreward.sandbox.contract import Memory
from autoreward.sandbox.process import ProcessCell
from autoreward.testing.cell import BEST, SCHEMA, episodes, sample

def mapped():
    return open("/proc/self/maps").read().count("memfd:autoreward-")

cell = ProcessCell()
cell.load(BEST, SCHEMA, "terms")
cell.score(sample(2, 3), episodes(2, 3), Memory())
print(mapped())
cell.close()
print(mapped())
"""


def test_users_without_rights_have_shared_memory_too(
    unprivileged: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = unprivileged(USED)
    assert done.stdout == "2\n0\n", done.stderr


def blocks_here() -> tuple[int, int]:
    """Mappings of shared memory in this process, and descriptors of it."""
    targets = []
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # the listing's own
            targets.append(os.readlink(f"/proc/self/fd/{name}"))
    mapped = Path("/proc/self/maps").read_text().count("memfd:autoreward-")
    return mapped, sum("memfd:autoreward-" in target for target in targets)


def score(cell: ProcessCell, rows: int = 3, seed: int = 0) -> Scores:
    return cell.score(sample(2, rows, seed), episodes(2, rows), Memory())


def test_the_kernel_lets_a_cell_only_read_its_inputs() -> None:
    cell = ProcessCell()
    cell.load(PLAIN, SCHEMA, "terms")
    score(cell)
    try:
        lines = Path(f"/proc/{cell.pid}/maps").read_text().splitlines()
    except PermissionError:
        pytest.skip("nobody but root may look at a cell")
    finally:
        cell.close()
    rights = {line.split("memfd:autoreward-")[1].split()[0]: line.split()[1] for line in lines if "memfd:" in line}
    assert rights == {"inputs": "r--s", "outputs": "rw-s"}


@pytest.mark.parametrize("end", ["close", "forget", "kill"])
def test_no_shared_memory_stays_behind(end: str) -> None:
    gc.collect()
    before, _ = blocks_here()
    cell = ProcessCell()
    cell.load(PLAIN, SCHEMA, "terms")
    scores = score(cell)
    assert blocks_here()[0] == before + 2
    if end == "close":
        cell.close()
    elif end == "forget":
        del cell
    else:
        assert cell.pid is not None
        os.kill(cell.pid, signal.SIGKILL)
        with pytest.raises(CellFailed):
            score(cell)
    gc.collect()
    assert blocks_here() == (before, before), "each mapping has one descriptor"
    assert np.isfinite(scores.terms["near"]).all(), "scores outlast the cell"


def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    create = shared.create
    monkeypatch.setattr(shared, "create", lambda: create(4096))


def no_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create")


@pytest.mark.parametrize("way", [small_blocks, no_blocks])
def test_what_shared_memory_does_not_hold_goes_through_the_pipes(
    way: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    way(monkeypatch)
    here, there = InProcessCell(), ProcessCell()
    for cell in (here, there):
        cell.load(BEST, SCHEMA, "terms")
    inputs, begun = sample(60, 4), episodes(60, 4)
    # Short chunks fit into 4 KiB, long ones do not; they take turns, on both ways.
    expected, _ = score_in_chunks(here, inputs, begun, [])
    found, _ = score_in_chunks(there, inputs, begun, [1, 2, 30, 31, 32, 33, 58])
    for name, term in expected.items():
        np.testing.assert_array_equal(found[name], term)
    there.close()


def test_all_the_memory_that_is_allowed_goes_through_the_pipes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    small_blocks(monkeypatch)
    full = "".join(f"    memory['m{entry}'] = np.full((action.shape[0], 4096), {entry})\n" for entry in range(16))
    source = "WEIGHTS = {'a': 1.0}\ndef compute_reward(state, action, next_state, memory):\n" + full
    cell = ProcessCell()
    cell.load(source + "    return {'a': memory.get('m15', 0)[:, 0]}\n", SCHEMA, "terms")
    memory = Memory()
    for _ in range(2):
        scores = cell.score(sample(1, 3), np.zeros((1, 3), np.bool_), memory)
        memory = scores.memory
    np.testing.assert_array_equal(scores.terms["a"], 15.0)
    assert sum(values.nbytes for values in memory.values.values()) == 16 * 4096 * 3 * 8
    cell.close()


def test_a_kernel_without_the_seals_has_no_shared_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "_FUTURE_WRITE", 0x4000)  # a seal that no kernel knows
    gc.collect()
    before = blocks_here()
    assert shared.create() is None
    assert blocks_here() == before
