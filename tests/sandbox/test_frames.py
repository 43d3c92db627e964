import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoreward.sandbox import frames

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
