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
    abs absolute add all allclose amax amin angle any append arange arccos arccosh arcsin arcsinh arctan arctan2
    arctanh argmax argmin argsort argwhere around array asarray atleast_1d atleast_2d atleast_3d average bincount
    bitwise_and bitwise_not bitwise_or bitwise_xor broadcast_arrays broadcast_to cbrt ceil clip column_stack
    concatenate convolve copy copysign cos cosh count_nonzero cross cumprod cumsum deg2rad degrees delete diag
    diagonal diff digitize divide dot einsum equal exp exp2 expand_dims expm1 eye fabs flip float_power floor
    floor_divide fmax fmin fmod full full_like greater greater_equal heaviside histogram hstack hypot identity inner
    insert interp invert isclose isfinite isin isinf isnan kron less less_equal linspace log log10 log1p log2
    logaddexp logical_and logical_not logical_or logical_xor matmul max maximum mean median min minimum mod moveaxis
    multiply nan_to_num nanmax nanmean nanmin nansum ndim negative nonzero not_equal ones ones_like outer pad
    percentile piecewise polyval positive power prod ptp quantile rad2deg radians ravel reciprocal remainder repeat
    reshape rint roll rot90 round searchsorted select shape sign signbit sin sinc sinh size sort split sqrt square
    squeeze stack std subtract sum swapaxes take take_along_axis tan tanh tensordot tile trace transpose tril triu
    true_divide trunc unwrap var vdot vstack where zeros zeros_like
    linalg.norm linalg.det linalg.inv linalg.solve linalg.eigvalsh linalg.matrix_power
    """
)
"""Dotted names below `np` that may be called."""

NUMPY_CONSTANTS = _words("pi e inf nan newaxis euler_gamma")
NUMPY_TYPES = _words("float32 float64 int32 int64 uint8 bool_")
"""Types may be called (`np.float32(2)`) and given as `dtype`."""

MATH_FUNCTIONS = _words(
    """
    acos acosh asin asinh atan atan2 atanh ceil copysign cos cosh degrees exp expm1 fabs floor fmod hypot isclose
    isfinite isinf isnan log log10 log1p log2 pow radians sin sinh sqrt tan tanh trunc
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
