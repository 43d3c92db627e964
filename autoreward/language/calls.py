"""The arguments of calls to NumPy's functions and to methods: by position, by name, and types.

Covered: no call writes into an array that it is given (`out`, by name or by position: `np.maximum(a, b, c)` writes
into c), none leaves memory as it was found in its result (`where` of an element-wise function), and a type is one of
a few plain ones (`datetime64` reads the clock, `object` holds anything). Not covered: the values of arguments.
"""

from __future__ import annotations

import ast

from autoreward.language import tables
from autoreward.language.nodes import hint, refuse, shown


def _by_name(words: dict[int, str]) -> dict[str, int]:
    return {name: number for number, names in words.items() for name in names.split()}


ELEMENTWISE = _by_name(
    {
        1: """
        abs absolute arccos arccosh arcsin arcsinh arctan arctanh bitwise_not cbrt ceil cos cosh deg2rad degrees exp
        exp2 expm1 fabs floor invert isfinite isinf isnan log log10 log1p log2 logical_not negative positive rad2deg
        radians reciprocal rint sign signbit sin sinh sqrt square tan tanh trunc
        """,
        2: """
        add arctan2 bitwise_and bitwise_or bitwise_xor copysign divide equal float_power floor_divide fmax fmin fmod
        greater greater_equal heaviside hypot less less_equal logaddexp logical_and logical_or logical_xor matmul
        maximum minimum mod multiply not_equal power remainder subtract true_divide
        """,
    }
)
"""Element-wise functions of one and of two arrays. One more argument by position would be written into."""
POSITIONAL = ELEMENTWISE | _by_name(
    {
        1: "copy ravel",
        2: """
        all amax amin any argmax argmin around array asarray broadcast_to concatenate cumprod cumsum dot identity max
        mean median min nan_to_num nanmax nanmean nanmin nansum ones ones_like outer prod ptp reshape round stack std
        sum var zeros zeros_like
        """,
        3: "argsort clip full full_like percentile quantile sort take",
        4: "arange eye trace",
        5: "linspace",
    }
)
"""How many arguments a function of `np` takes by position; the others as many as NumPy's has."""
METHOD_POSITIONAL = _by_name(
    {
        0: "copy flatten items keys nonzero ravel values",
        1: """
        all any append argmax argmin astype cumprod cumsum dot endswith extend fill max mean min prod round squeeze
        startswith std sum update var
        """,
        2: "argsort clip get repeat swapaxes take",
        3: "diagonal trace",
    }
)
"""The same for methods."""
DTYPE_POSITION = _by_name(
    {1: "array asarray ones ones_like zeros zeros_like identity", 2: "full full_like", 3: "arange eye"}
)
"""Where a function of `np` takes a type by position, counted from 0."""

KEYWORDS = frozenset(
    _by_name(
        {
            0: """
            a a_max a_min append arr array arrays assume_unique atol axes axis axis1 axis2 axisa axisb axisc b bins
            case choicelist condition condlist constant_values copy ddof decimals default density destination discont
            dtype edge_order end_values endpoint equal_nan fill_value indices indices_or_sections initial invert k
            keepdims kind left M max method min minlength mode N n nan ndmin neginf num obj offset optimize ord p
            pad_width period posinf prepend q range repeats reps retstep returned right rtol shape shift side size
            source start step stop v values weights where x y
            """
        }
    )
)
"""Names of arguments of functions of `np` and of methods. What is not here would hand over a callable, a class or a
place to write to."""
_TYPE_NAMES = frozenset({"float", "int", "bool"})
_TYPE_TEXTS = frozenset({"float", "int", "bool", "float32", "float64", "int32", "int64", "uint8"})


def check_arguments(node: ast.Call, name: str, method: bool) -> None:
    """Refuse arguments that a call of `np.NAME`, or of a method, must not have.

    Args:
        node: the call.
        name: the name below `np`, or of the method.
        method: whether it is a method.

    Raises:
        RewardRefused: it has one; the message says what to write instead.
    """
    limit = (METHOD_POSITIONAL if method else POSITIONAL).get(name)
    called = f"`x.{name}`" if method else f"`np.{name}`"
    if limit is not None and len(node.args) > limit:
        refuse(node.args[limit], "call", f"{called} {_too_many(name, limit, method)}")
    for argument in node.keywords:
        word = argument.arg or ""
        if word == "where" and not method and name in ELEMENTWISE:
            advice = f"write np.where(mask, np.{name}(...), other)"
            refuse(argument.value, "call", f"`where=` leaves the other elements undefined; {advice}")
        if word not in KEYWORDS:
            near = hint(word, KEYWORDS) if len(word) <= tables.MAX_NAME else ""
            refuse(argument.value, "call", f"{called} has no argument {shown(word)} in the reward language.{near}")
        if word == "dtype":
            _check_type(argument.value)
    position = (0 if name == "astype" else None) if method else DTYPE_POSITION.get(name)
    if position is not None and len(node.args) > position:
        _check_type(node.args[position])


def _too_many(name: str, limit: int, method: bool) -> str:
    if not method and name in ("maximum", "minimum", "fmax", "fmin"):
        return f"takes two arrays; for more write np.{name}(np.{name}(a, b), c)"
    if not method and name in ("logical_and", "logical_or", "logical_xor"):
        return f"takes two arrays; for more write a {'&' if name == 'logical_and' else '|'} b & c with brackets"
    counted = {0: "no argument", 1: "one argument"}.get(limit, f"{limit} arguments")
    return f"takes {counted} by position; give others by name (`axis=-1`); `out` is not allowed, assign the result"


def _check_type(node: ast.expr) -> None:
    """A type is named where it is used, so that it is known before the program runs."""
    plain = (
        (isinstance(node, ast.Name) and node.id in _TYPE_NAMES)
        or (isinstance(node, ast.Constant) and (node.value is None or node.value in _TYPE_TEXTS))
        or (isinstance(node, ast.Attribute) and (node.attr == "dtype" or _is_numpy_type(node)))
    )
    if not plain:
        known = " ".join(f"np.{name}" for name in sorted(tables.NUMPY_TYPES))
        refuse(node, "call", f"a type is written out: {known}, float, int, bool or x.dtype")


def _is_numpy_type(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == "np" and node.attr in tables.NUMPY_TYPES
