import json
import os
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoreward.sandbox import frames, shared

ARRAYS = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b": np.array([True, False, True]),
    "c": np.asarray(4.5),
    "d": np.zeros((0, 3), np.int64),
    "e": np.array([[-1, 2**40]]),
}


def test_frames_come_back_as_they_were_sent() -> None:
    data = frames.encode({"names": ["x"], "n": 3}, ARRAYS)
    header, payload = frames.lengths(data[: frames.PREFIX.size])
    start = frames.PREFIX.size
    assert len(data) == start + header + payload
    fields, found = frames.decode(data[start : start + header], data[start + header :])
    assert fields == {"names": ["x"], "n": 3}
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype and found[name].shape == array.shape
    assert not found["a"].flags.writeable


def test_an_endless_frame_is_refused() -> None:
    with pytest.raises(frames.BadFrame):
        frames.lengths(frames.PREFIX.pack(10, 1 << 60))


def test_an_empty_array_of_an_absurd_shape_is_refused() -> None:
    header = json.dumps({"fields": {}, "arrays": [["a", "d", [0, 2**30, 2**30, 2**30]]]}).encode()
    with pytest.raises(frames.BadFrame):
        frames.decode(header, b"")


@pytest.fixture
def blocks() -> Iterator[shared.Blocks]:
    """Both ends of one block are here: the child writes, the parent reads."""
    ours = shared.create(1 << 12)
    if ours is None:
        pytest.skip("no sealed memory on this system")
    theirs = shared.attach(*(os.dup(descriptor) for descriptor in ours.descriptors))
    ours.close_descriptors()
    yield shared.Blocks(ours.outputs, theirs.outputs)  # as the parent reads it, and as the child writes it


def sent(blocks: shared.Blocks, fields: dict[str, object], arrays: dict[str, np.ndarray]) -> int:
    """Send a frame through shared memory, see that it arrives, and tell how long it was in the pipe."""
    data = frames.encode(fields, arrays, blocks.outputs)
    start = frames.PREFIX.size
    header, payload = frames.lengths(data[:start])
    assert len(data) == start + header + payload
    got, found = frames.decode(data[start : start + header], data[start + header :], blocks.inputs)
    assert got == fields and found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype and found[name].shape == array.shape
    return len(data)


def test_arrays_in_shared_memory_arrive_and_a_frame_of_the_same_form_is_a_few_bytes(blocks: shared.Blocks) -> None:
    first = sent(blocks, {"names": ["x"]}, ARRAYS)
    changed = {
        name: ~array if array.dtype == np.bool_ else array + array.dtype.type(1) for name, array in ARRAYS.items()
    }
    assert sent(blocks, {"names": ["x"]}, changed) == frames.PREFIX.size < first
    assert sent(blocks, {"names": ["y"]}, ARRAYS) == first, "other fields are told"
    assert sent(blocks, {"names": ["y"]}, {**ARRAYS, "b": np.ones(3)}) > frames.PREFIX.size, "so are other dtypes,"
    assert sent(blocks, {"names": ["y"]}, {**ARRAYS, "b": np.ones(4)}) > frames.PREFIX.size, "shapes,"
    assert sent(blocks, {"names": ["y"]}, {"a": ARRAYS["a"]}) > frames.PREFIX.size, "and names"


def test_what_does_not_fit_into_shared_memory_is_in_the_frame(blocks: shared.Blocks) -> None:
    sent(blocks, {}, ARRAYS)
    large = {"a": np.arange(1000.0)}
    assert sent(blocks, {}, large) > 8000
    assert sent(blocks, {}, ARRAYS) == frames.PREFIX.size, "what lies in shared memory is what was last put there"


def test_a_frame_that_repeats_none_is_refused(blocks: shared.Blocks) -> None:
    for block in (None, blocks.inputs):
        with pytest.raises(frames.BadFrame):
            frames.decode(b"", b"", block)


def test_a_frame_larger_than_shared_memory_is_refused(blocks: shared.Blocks) -> None:
    header = json.dumps({"fields": {}, "arrays": [["a", "d", [513]]], "shared": True}).encode()
    for repeated in (header, b""):
        with pytest.raises(frames.BadFrame):
            frames.decode(repeated, b"", blocks.inputs)
    with pytest.raises(frames.BadFrame):
        frames.decode(header, b"")


LAYOUTS = st.lists(
    st.tuples(
        st.text(max_size=5) | st.integers(),
        st.sampled_from(["f", "l", "?", "d", "O", "V", ""]),
        st.lists(st.integers(-3, 2**40) | st.none() | st.floats(), max_size=10),
    ),
    max_size=4,
)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60) | LAYOUTS, st.binary(max_size=64))
def test_forged_frames_are_refused_or_read_as_numbers(header: object, payload: bytes) -> None:
    text = header if isinstance(header, bytes) else json.dumps({"fields": {}, "arrays": header}).encode()
    try:
        _, arrays = frames.decode(text, payload)
    except frames.BadFrame:
        return
    assert sum(array.nbytes for array in arrays.values()) <= len(payload)
