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
        abs absolute arccos arcsin arcsinh arctan cbrt ceil cos cosh deg2rad degrees exp expm1 fabs floor isfinite
        isinf isnan log log10 log1p log2 logical_not negative rad2deg radians rint sign sin sinh sqrt square tan tanh
        trunc
        """,
        2: """
        add arctan2 copysign divide equal fmod greater greater_equal heaviside hypot less less_equal logical_and
        logical_or logical_xor matmul maximum minimum mod multiply not_equal power remainder subtract
        """,
    }
)
"""Element-wise functions of one and of two arrays. One more argument by position would be written into."""
POSITIONAL = ELEMENTWISE | _by_name(
    {
        1: "copy ravel",
        2: """
        all amax amin any argmax argmin array asarray broadcast_to concatenate cumsum dot max mean median min
        nan_to_num ones ones_like prod reshape round stack std sum var zeros zeros_like
        """,
        3: "argsort clip full full_like quantile sort take",
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
DTYPE_POSITION = _by_name({1: "array asarray ones ones_like zeros zeros_like", 2: "full full_like", 3: "arange eye"})
"""Where a function of `np` takes a type by position, counted from 0."""

KEYWORDS = frozenset(
    _by_name(
        {
            0: """
            a a_max a_min append arr array arrays assume_unique atol axes axis axis1 axis2 axisa axisb axisc b bins
            choicelist condition condlist copy ddof decimals default dtype endpoint equal_nan fill_value indices
            indices_or_sections initial invert k keepdims kind left M max method min mode N n nan ndmin neginf num
            offset optimize ord period posinf prepend q repeats reps retstep returned right rtol shape shift side start
            step stop v weights where x y
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
    if not method and name in ("maximum", "minimum"):
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
