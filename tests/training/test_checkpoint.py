from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autoreward.training.checkpoint import part, prefixed, read_checkpoint, write_checkpoint

HEADER = {"training": "abc", "step": 12, "best_return": -1.5}
ARRAYS = {"obs": np.arange(6.0).reshape(2, 3), "learner:flat": np.float32([1, 2]), "generator": np.zeros(3, np.uint8)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_checkpoint(tmp_path / "checkpoint.npz", HEADER, ARRAYS)
    return tmp_path / "checkpoint.npz"


def test_reads_what_was_written(path: Path) -> None:
    found = read_checkpoint(path, "abc")
    assert found is not None
    header, arrays = found
    assert {name: header[name] for name in HEADER} == HEADER
    assert set(arrays) == set(ARRAYS)
    for name, values in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], values)
        assert arrays[name].dtype == values.dtype


def test_groups_keep_their_names_also_within_groups() -> None:
    inner = {"a": np.zeros(1), "value.b": np.ones(2)}
    outer = {**prefixed("one", prefixed("two", inner)), **prefixed("other", inner)}
    assert set(part(part(outer, "one"), "two")) == set(inner)
    assert part(outer, "on") == {}


def test_that_of_another_training_is_none(path: Path) -> None:
    assert read_checkpoint(path, "abd") is None
    assert read_checkpoint(path.with_name("missing.npz"), "abc") is None


@pytest.mark.parametrize("kept", [0, 1, 50, 300, -1])
def test_one_that_was_cut_off_is_none(path: Path, kept: int) -> None:
    path.write_bytes(path.read_bytes()[:kept])
    assert read_checkpoint(path, "abc") is None


def test_damage_anywhere_is_none_or_does_no_harm(path: Path) -> None:
    whole = path.read_bytes()
    refused = 0
    for place in range(0, len(whole), 3):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        found = read_checkpoint(path, "abc")
        refused += found is None
        if found is not None:  # only what says nothing was hit: dates, attributes
            assert set(found[1]) == set(ARRAYS)
            assert all(np.array_equal(found[1][name], values) for name, values in ARRAYS.items())
    assert refused > 100


def test_a_file_of_other_arrays_is_none(path: Path) -> None:
    np.savez(path, x=np.zeros(3))
    assert read_checkpoint(path, "abc") is None
    np.savez(path, header=np.array('["no", "mapping"]'))
    assert read_checkpoint(path, "abc") is None
    np.savez(path, header=np.array('{"training": "abc", "format": "of another time"}'))
    assert read_checkpoint(path, "abc") is None
