"""Single arrays of a file that nobody vouches for."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from autoreward.critic import stored_arrays
from autoreward.critic.stored_arrays import Arrays, Damaged


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "arrays.npz"
    np.savez_compressed(path, length=np.array([3, 2]), place=np.ones((2, 4, 3), np.float32), flag=np.ones(2, np.bool_))
    return path


def test_arrays_are_read_by_shape_and_type(path: Path) -> None:
    with Arrays(path) as arrays:
        assert arrays.length_of("length") == 2
        assert arrays.read("length", (2,), "iu").tolist() == [3, 2]
        assert arrays.read("place", (2, None, 3), "f").shape == (2, 4, 3)


@pytest.mark.parametrize(
    ("name", "shape", "kinds", "said"),
    [
        ("place", (2, 4), "f", "where (2, 4) is wanted"),
        ("place", (2, None, 2), "f", "of the shape (2, 4, 3)"),
        ("place", (2, 4, 3), "iub", "is float32"),
        ("speed", (2,), "f", "`speed` does not read"),
    ],
)
def test_what_is_not_as_expected_is_damaged(
    path: Path, name: str, shape: tuple[int | None, ...], kinds: str, said: str
) -> None:
    with Arrays(path) as arrays, pytest.raises(Damaged) as error:
        arrays.read(name, shape, kinds)
    assert said in str(error.value)


def test_a_length_is_one_of_a_list(path: Path) -> None:
    with Arrays(path) as arrays, pytest.raises(Damaged, match="has the shape"):
        arrays.length_of("place")


def test_memory_is_bounded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_arrays, "ARRAY_BYTES", 95)
    with Arrays(path) as arrays, pytest.raises(Damaged, match="takes more than"):
        arrays.read("place", (2, 4, 3), "f")


def test_whatever_bytes_are_changed_a_file_reads_or_is_damaged(path: Path) -> None:
    """Nothing else escapes; with what the parsers raise inside, one line remains."""
    whole, rng, ends = path.read_bytes(), np.random.default_rng(0), {"read": 0, "damaged": 0}
    for _ in range(150):
        data = np.frombuffer(whole, np.uint8).copy()
        data[rng.integers(len(data), size=rng.integers(1, 9))] = rng.integers(256)
        path.write_bytes(data[: rng.integers(len(data)) if rng.random() < 0.1 else None].tobytes())
        try:
            with Arrays(path) as arrays:
                arrays.read("length", (arrays.length_of("length"),), "iu")
                arrays.read("place", (2, None, 3), "f")
            ends["read"] += 1
        except Damaged as error:
            assert "\n" not in str(error)
            ends["damaged"] += 1
    assert min(ends.values()) > 20, ends


def test_headers_that_lie_are_damaged(path: Path) -> None:
    for descr, shape in (("<f4", (-2, 3)), ("|O", (2,)), ("<f4", (2**70, 2**70))):
        member = io.BytesIO()
        header = {"descr": descr, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(member, header)  # type: ignore[arg-type]
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("place.npy", member.getvalue() + bytes(64))
        with Arrays(path) as arrays, pytest.raises(Damaged):
            arrays.read("place", (None,) * len(shape), "fO")
