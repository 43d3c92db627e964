"""What may come out of a cell: the checks that whoever uses its terms relies on, whichever cell it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoreward.errors import CellFailed
from autoreward.language import tables
from autoreward.language.nodes import is_name
from autoreward.language.program import Program
from autoreward.sandbox import frames
from autoreward.sandbox.contract import Array, Inputs, Memory, Scores
from autoreward.schema import EnvSchema

_PREFIXES = {"terms": ("",), "signs": ("sparse.", "dense.")}
_DTYPES = {name: np.dtype(name) for name in ("float32", "int64", "bool")}
_FLOAT = np.dtype(np.float32)
Entry = tuple[str, str, str]
"""Name of an entry of memory, and of the arrays with its values and with the rows that have one."""
_SMALL = 0.5 * tables.MAX_TERM_VALUE**2


def input_types(program: Program, schema: EnvSchema) -> dict[str, np.dtype[Any]]:
    """The dtype of each input that a program reads: `state.x`, `next_state.x`, `action`."""
    types = {
        f"{side}.{field.name}": _DTYPES[field.dtype] for field in schema.fields for side in ("state", "next_state")
    }
    types["action"] = _DTYPES["float32" if schema.action.kind == "continuous" else "int64"]
    return {name: types[name] for name in program.inputs}


def gather(types: Mapping[str, np.dtype[Any]], inputs: Inputs, begun: NDArray[np.bool_]) -> dict[str, Array]:
    """The arrays that a program reads, in these dtypes.

    Raises:
        ValueError: one is missing, or its leading shape is not that of `begun`; the caller's fault.
    """
    arrays: dict[str, Array] = {}
    shape = begun.shape
    for name, dtype in types.items():
        if name not in inputs:
            raise ValueError(f"the program reads {name}, which is not among the inputs")
        arrays[name] = array = np.asarray(inputs[name], dtype)
        if array.shape[:2] != shape:
            raise ValueError(f"{name} has the shape {array.shape}, but begun has {shape}")
    return arrays


def most_bytes(program: Program, shape: tuple[int, ...]) -> int:
    """What the arrays of a reply may have at most: those of as many terms, and as much memory, as a program may have.

    Args:
        program: that is asked.
        shape: T and N of the chunk.
    """
    steps, rows = shape
    terms = tables.MAX_TERMS * len(_PREFIXES[program.grammar]) * steps * rows * _FLOAT.itemsize
    # A number has up to eight bytes, and at worst its entry's flag of one and the filling of two arrays to itself.
    stored = frames.MAX_STORED * (9 * rows + 2 * frames.ALIGNMENT) if program.uses_memory else 0
    return min(frames.MAX_PAYLOAD, terms + stored + 4 * frames.ALIGNMENT)


def are_term_names(program: Program, names: Sequence[object]) -> bool:
    """Whether these can be names of terms at all: identifiers, each once, prefixed where the grammar says so."""
    bare = [
        name[len(prefix) :]
        for name in names
        for prefix in _PREFIXES[program.grammar]
        if isinstance(name, str) and name.startswith(prefix)
    ]
    limit = tables.MAX_TERMS * len(_PREFIXES[program.grammar])
    return (
        len(bare) == len(names) == len(set(names)) and 1 <= len(names) <= limit and all(is_name(name) for name in bare)
    )


def check_terms(program: Program, names: Sequence[str], before: Sequence[str] | None) -> None:
    """Names are the same in each call, and are those of WEIGHTS.

    Raises:
        CellFailed: they are not; reason `output`.
    """
    if before is not None and list(before) != list(names):
        raise CellFailed("the terms of one call differ from those of another; return the same terms always", "output")
    if before is None and program.grammar == "terms" and set(names) != set(program.weights):
        lacking, idle = sorted(set(names) - set(program.weights)), sorted(set(program.weights) - set(names))
        faults = [f"term `{name}` has no weight in WEIGHTS" for name in lacking[:3]]
        faults += [f"WEIGHTS names `{name}`, which the function does not return" for name in idle[:3]]
        raise CellFailed("; ".join(faults), "output")


def check_values(names: Sequence[str], values: NDArray[Any]) -> None:
    """Terms [K, T, N] are finite and bounded.

    Raises:
        CellFailed: one is not; reason `output`.
    """
    # Where the sum of squares is small, so is every term; it takes one fast pass, and NaN does not compare as small.
    flat = values.reshape(-1)
    if flat.dot(flat) <= _SMALL:
        return
    for name, term in zip(names, values, strict=True):
        finite = np.isfinite(term)
        if not finite.all():
            share = 1.0 - float(finite.mean())
            raise CellFailed(f"term `{name}` is NaN or infinite in {share:.2%} of the rows", "output")
        if (largest := np.abs(term).max()) > tables.MAX_TERM_VALUE:
            message = f"term `{name}` reaches {largest:.3g} in size; at most {tables.MAX_TERM_VALUE:g} is allowed"
            raise CellFailed(message, "output")


def check_form(
    program: Program,
    fields: Mapping[str, Any],
    found: Mapping[str, Array],
    shape: tuple[int, ...],
    before: Sequence[str] | None,
) -> list[Entry]:
    """Check names, shapes and dtypes of a reply as if the child wanted to harm.

    Args:
        program: that gave it.
        fields: `names` of the terms.
        found: `terms` [K, T, N], `seconds` [], and `memory.X` [N, ...] with `present.X` [N].
        shape: T and N of the chunk.
        before: names of the terms of the last chunk.

    Returns:
        The entries of memory.

    Raises:
        CellFailed: terms are not what a program may give.
        ValueError, KeyError: it is not a reply that the child's own code makes.
    """
    names, values = fields["names"], found["terms"]
    if not isinstance(names, list) or values.dtype != _FLOAT or values.shape != (len(names), *shape):
        raise ValueError("malformed terms")
    if found["seconds"].ndim or not are_term_names(program, names):
        raise ValueError("malformed names")
    check_terms(program, names, before)
    entries = [(key[7:], key, f"present.{key[7:]}") for key in found if key.startswith("memory.")]
    for name, value, present in entries:
        flags = found[present]
        if not is_name(name) or found[value].shape[:1] != shape[1:]:
            raise ValueError("malformed memory")
        if flags.shape != shape[1:] or flags.dtype != np.bool_:
            raise ValueError("malformed memory")
    return entries


def take_over(names: Sequence[str], entries: Sequence[Entry], found: Mapping[str, Array]) -> Scores:
    """The scores of a reply whose form is right: copies, since the cell may change shared memory at any time.

    Args:
        names: of the terms.
        entries: of memory.
        found: as in `check_form`.

    Raises:
        CellFailed: its terms are not finite and bounded.
    """
    values, seconds, memory = found["terms"].copy(), float(found["seconds"]), Memory({}, {})
    for name, value, present in entries:
        memory.values[name], memory.present[name] = found[value].copy(), found[present].copy()
    check_values(names, values)
    return Scores(dict(zip(names, values, strict=True)), memory, seconds if seconds > 0.0 else 0.0)
