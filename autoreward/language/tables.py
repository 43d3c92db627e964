"""The allow-lists of the reward language, as data. What is not named here does not exist for a program."""

from __future__ import annotations

import ast


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MAX_SOURCE_BYTES = 64 * 1024
MAX_NAME = 40
MAX_STRING = 60
MAX_IDEA = 500
MAX_TERMS = 32
MAX_TERM_VALUE = 1e6
"""Largest absolute value of a term, before weights."""

PARAMETERS = ("state", "action", "next_state", "memory")
RESERVED = frozenset({"np", "math", "state", "next_state", "memory", "IDEA", "WEIGHTS", "float", "int", "bool"})
"""Names that a program must not give another meaning; `float`, `int` and `bool` among them since they name types."""

BUILTINS = _words(
    "abs all any bool dict enumerate float int len list max min range reversed round sorted str sum tuple zip"
)

NUMPY_FUNCTIONS = _words(
    """
    abs absolute add all amax amin any arange arccos arcsin arcsinh arctan arctan2 argmax argmin argsort array asarray
    average broadcast_to cbrt ceil clip column_stack concatenate copy copysign cos cosh count_nonzero cross cumsum
    deg2rad degrees diff digitize divide dot einsum equal exp expand_dims expm1 eye fabs flip floor fmod full full_like
    greater greater_equal heaviside hstack hypot interp isclose isfinite isin isinf isnan less less_equal linspace log
    log10 log1p log2 logical_and logical_not logical_or logical_xor matmul max maximum mean median min minimum mod
    multiply nan_to_num negative not_equal ones ones_like power prod quantile rad2deg radians ravel remainder repeat
    reshape rint roll round searchsorted select shape sign sin sinh sort split sqrt square squeeze stack std subtract
    sum swapaxes take take_along_axis tan tanh tile trace transpose trunc var vstack where zeros zeros_like linalg.norm
    """
)
"""Dotted names below `np` that may be called."""

NUMPY_CONSTANTS = _words("pi e inf nan newaxis euler_gamma")
NUMPY_TYPES = _words("float32 float64 int32 int64 uint8 bool_")
"""Types may be called (`np.float32(2)`) and given as `dtype`."""

MATH_FUNCTIONS = _words(
    """
    acos asin atan atan2 ceil copysign cos degrees exp fabs floor hypot isfinite log log10 log1p log2 pow radians sin
    sqrt tan tanh
    """
)
MATH_CONSTANTS = _words("pi e inf nan tau")

METHODS = _words(
    """
    all any append argmax argmin argsort astype clip copy cumprod cumsum diagonal dot endswith extend fill flatten get
    items keys max mean min nonzero prod ravel repeat reshape round squeeze startswith std sum swapaxes take trace
    transpose update values var
    """
)
PROPERTIES = _words("shape ndim size dtype T")

NODES: frozenset[type[ast.AST]] = frozenset(
    getattr(ast, name)
    for name in _words("""
    Module FunctionDef arguments arg Return Assign AugAssign AnnAssign For If Expr Pass Break Continue
    BoolOp BinOp UnaryOp Lambda IfExp Dict List Tuple ListComp DictComp GeneratorExp comprehension Compare Call keyword
    JoinedStr FormattedValue Constant Attribute Subscript Name Slice Load Store
    And Or Add Sub Mult MatMult Div Mod Pow LShift RShift BitOr BitXor BitAnd FloorDiv Invert Not UAdd USub
    Eq NotEq Lt LtE Gt GtE Is IsNot In NotIn
    """)
)
