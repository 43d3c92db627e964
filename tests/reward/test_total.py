import numpy as np

from autoreward.language.program import Program
from autoreward.reward.total import total, weighted


def program(**changes: object) -> Program:
    base = {
        "source": "",
        "grammar": "terms",
        "idea": "",
        "weights": {"near": 2.0, "effort": -0.5},
        "state_fields": (),
        "next_state_fields": (),
        "reads_action": False,
        "uses_memory": False,
    }
    return Program(**{**base, **changes})


NEAR = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
EFFORT = np.array([[1.0, 0.0], [0.0, 2.0]], np.float32)


def test_terms_are_weighted_and_added() -> None:
    terms = {"near": NEAR, "effort": EFFORT}
    found = total(program(), terms)
    np.testing.assert_array_equal(found, 2 * NEAR - 0.5 * EFFORT)
    assert found.dtype == np.float32
    parts = weighted(program(), terms)
    np.testing.assert_array_equal(sum(parts.values()), found)
    assert all(part.dtype == np.float32 for part in parts.values())


def test_signs_of_sparse_count_ten_times_those_of_dense() -> None:
    signs = program(grammar="signs", weights={})
    terms = {
        "sparse.goal": np.array([[0.0, 5.0, 0.0, -3.0]], np.float32),
        "sparse.fall": np.array([[0.0, 0.0, 0.0, 1.0]], np.float32),
        "dense.near": np.array([[0.2, -7.0, 0.0, 1.0]], np.float32),
        "dense.effort": np.array([[0.1, 1.0, 0.0, 1.0]], np.float32),
    }
    np.testing.assert_allclose(total(signs, terms), [[0.1, 0.9, 0.0, -0.9]], rtol=1e-6)
    np.testing.assert_array_equal(weighted(signs, terms)["dense.near"], terms["dense.near"])
