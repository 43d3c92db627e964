"""What RestrictedPython and its guards do to ordinary code, seen through the cell that runs in this process.

Every program here is ours and harmless; `InProcessCell` is for programs that one trusts.
"""

import numpy as np
import pytest

from autoreward.errors import CellFailed
from autoreward.sandbox.contract import Memory, Scores
from autoreward.sandbox.inprocess import InProcessCell
from autoreward.testing.cell import SCHEMA, episodes, sample

INPUTS = sample(1, 5)
HEIGHT = INPUTS["next_state.height"]


def run(*lines: str, head: str = "") -> Scores:
    body = "".join(f"    {line}\n" for line in lines)
    source = f"WEIGHTS = {{'a': 1.0}}\n{head}def compute_reward(state, action, next_state, memory):\n"
    cell = InProcessCell()
    cell.load(source + "    h = next_state['height']\n" + body + "    return {'a': h}\n", SCHEMA, "terms")
    return cell.score(INPUTS, episodes(1, 5), Memory())


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["h = h.copy()", "h[h > 1.0] += 10.0"], np.where(HEIGHT > 1, HEIGHT + 10, HEIGHT)),
        (["h += 1.0", "h *= 2"], (HEIGHT + 1) * 2),
        (["g: np.ndarray = h", "k: float", "h = g"], HEIGHT),
        (["a, (b, c) = h, (1.0, 2.0)", "h = a * b * c"], HEIGHT * 2),
        (["x, y = np.transpose(next_state['tip'])", "h = x"], INPUTS["next_state.tip"][..., 0]),
        (["parts = []", "for i, w in enumerate([1.0, 2.0]):", "    parts.append(h * w)", "h = sum(parts)"], HEIGHT * 3),
        (["h = sum([h * w for w in SCALES])"], HEIGHT * 3),
        (["clip = lambda x, low=0.5: np.maximum(x, low)", "h = clip(h)"], np.maximum(HEIGHT, 0.5)),
        (["h = helper(h, up=2.0)"], HEIGHT + 2),
        (["h = h[np.newaxis][0].astype(float).clip(0, 1)"], HEIGHT.clip(0, 1)),
        (["h = np.where(next_state['fallen'], 0.0, h) * (next_state['kind'] >= 0)"], None),
        (
            ["terms = {'x': h}", "terms = {**terms, 'y': 2.0}", "for name, v in terms.items():", "    h = h + v"],
            2 * HEIGHT + 2,
        ),
        (["def twice(x):", "    return 2 * x * memory.get('none', 1.0)", "h = twice(h)"], HEIGHT * 2),
        (["h = max(1.0, 2.0) * h if np.any(h > 0) else h", "h = -(-h) % 100"], HEIGHT * 2),
        (["for _ in range(3):", "    if _ == 1:", "        continue", "    h = h + 1"], HEIGHT + 2),
        (["h = h if action.ndim == 2 else 0.0 * h"], HEIGHT),
    ],
)
def test_ordinary_code_means_what_it_means_in_python(lines: list[str], expected: np.ndarray | None) -> None:
    head = "SCALES = [1.0, 2.0]\ndef helper(x, up=1.0):\n    return x + up\n"
    found = run(*lines, head=head).terms["a"]
    if expected is not None:
        np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize(
    "lines",
    [
        ["h[0] = 1.0"],
        ["h.fill(1.0)"],
        ["h = h[::2]", "h[:] = 0.0"],
        ["SCALES[0] = 5.0"],
        ["SCALES.append(5.0)"],
        ["TABLE['x'] = 1.0"],
        ["TABLE.update({'x': 1.0})"],
        ["TABLE['y'].append(1.0)"],
        ["ARRAY[0] = 2.0"],
    ],
)
def test_inputs_and_constants_cannot_be_changed(lines: list[str]) -> None:
    before = HEIGHT.copy()
    with pytest.raises(CellFailed, match="line"):
        run(*lines, head="SCALES = [1.0]\nTABLE = {'y': [1.0]}\nARRAY = np.array([1.0])\n")
    np.testing.assert_array_equal(HEIGHT, before)


def test_memory_keeps_one_kind_of_number_whatever_the_other_rows_did() -> None:
    source = """
WEIGHTS = {"a": 1.0}
def compute_reward(state, action, next_state, memory):
    done = memory.get("done", 0.0)
    memory["done"] = next_state["height"] > 1.0
    return {"a": 1.0 - done}
"""
    cell = InProcessCell()
    cell.load(source, SCHEMA, "terms")
    inputs = sample(3, 4)
    begun = np.array([[1, 1, 1, 1], [0, 0, 0, 0], [0, 1, 0, 1]], np.bool_)
    terms = cell.score(inputs, begun, Memory()).terms["a"]
    before = (inputs["next_state.height"] > 1.0)[:-1]
    np.testing.assert_array_equal(terms[1:], 1.0 - (before & ~begun[1:]))


@pytest.mark.parametrize(
    ("value", "said"),
    [("next_state['tip'][0]", "leading dimension"), ("'text'", "numbers"), ("[[1.0], [1.0, 2.0]]", "one row")],
)
def test_memory_holds_one_row_for_each_environment(value: str, said: str) -> None:
    with pytest.raises(CellFailed, match=said):
        run(f"memory['x'] = {value}")


def test_memory_as_a_whole_is_bounded() -> None:
    full = [f"memory['m{entry}'] = np.zeros((action.shape[0], 4096))" for entry in range(16)]
    assert len(run(*full).memory.values) == 16
    with pytest.raises(CellFailed, match="more than 65536 numbers for each row"):
        run(*full, "memory['one'] = 1.0")
