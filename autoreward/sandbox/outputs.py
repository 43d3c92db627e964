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
from autoreward.sandbox.contract import Array, Inputs
from autoreward.schema import EnvSchema

_PREFIXES = {"terms": ("",), "signs": ("sparse.", "dense.")}
_DTYPES: dict[str, type] = {"float32": np.float32, "int64": np.int64, "bool": np.bool_}


def input_types(schema: EnvSchema) -> dict[str, type]:
    """The dtype of each input that a program may read: `state.x`, `next_state.x`, `action`."""
    types = {
        f"{side}.{field.name}": _DTYPES[field.dtype] for field in schema.fields for side in ("state", "next_state")
    }
    return types | {"action": np.float32 if schema.action.kind == "continuous" else np.int64}


def gather(program: Program, types: Mapping[str, type], inputs: Inputs, begun: NDArray[np.bool_]) -> dict[str, Array]:
    """The arrays that a program reads, in their dtypes.

    Raises:
        ValueError: one is missing, or its leading shape is not that of `begun`; the caller's fault.
    """
    arrays: dict[str, Array] = {}
    for name in program.inputs:
        if name not in inputs:
            raise ValueError(f"the program reads {name}, which is not among the inputs")
        array: Array = np.ascontiguousarray(inputs[name], types[name])
        if array.shape[:2] != begun.shape:
            raise ValueError(f"{name} has the shape {array.shape}, but begun has {begun.shape}")
        arrays[name] = array
    return arrays


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
    # One pass finds NaN and infinity too: neither compares as within the bound.
    if not values.size or np.abs(values).max() <= tables.MAX_TERM_VALUE:
        return
    for name, term in zip(names, values, strict=True):
        finite = np.isfinite(term)
        if not finite.all():
            share = 1.0 - float(finite.mean())
            raise CellFailed(f"term `{name}` is NaN or infinite in {share:.2%} of the rows", "output")
        if (largest := np.abs(term).max()) > tables.MAX_TERM_VALUE:
            message = f"term `{name}` reaches {largest:.3g} in size; at most {tables.MAX_TERM_VALUE:g} is allowed"
            raise CellFailed(message, "output")
