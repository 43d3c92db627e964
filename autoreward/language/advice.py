"""What to write instead of what the reward language does not have: words for refusals, as data."""

from __future__ import annotations


def _all(words: str, advice: str) -> dict[str, str]:
    return dict.fromkeys(words.split(), advice)


_ARRAYS = "programs run on NumPy; write np.*"
_OUTSIDE = "a program sees its arguments alone: no files, network, processes or clock"
_CHANGES = "inputs are read-only; copy an array before changing it, or write np.where(mask, a, b)"
_NO_FILES = "a program reads and writes no files"
_ROWS = "work on whole arrays; row numbers and lists of Python numbers are not needed"
_WAY_OUT = "np holds mathematics alone here, and leads to no module behind it"

IMPORTS: dict[str, str] = {
    **_all("torch jax tensorflow scipy pandas numba sklearn cupy", _ARRAYS),
    **_all("os sys io time socket subprocess shutil pathlib pickle json logging urllib", _OUTSIDE),
    **_all("gym gymnasium mujoco", "a program sees the fields of state and next_state alone"),
    "random": "there is no randomness: a row's reward depends on its own row and memory alone",
    "collections": "write a dict or a list",
    "functools": "write a function",
    "itertools": "write loops over range(...)",
    "dataclasses": "write a dict or a tuple",
    "abc": "write functions",
}
"""By the module's first name."""

NUMPY: dict[str, str] = {
    "random": "there is no randomness: a row's reward depends on its own row and memory alone",
    "empty": "write np.zeros(...)",
    "empty_like": "write np.zeros_like(...)",
    "vectorize": "write the operation on whole arrays, such as np.where(...)",
    "apply_along_axis": "write the operation on whole arrays with axis=-1",
    "logical_and": "write `a & b & c`",
    "logical_or": "write `a | b | c`",
    "maximum": "write np.max(np.stack([a, b, c]), axis=0)",
    "minimum": "write np.min(np.stack([a, b, c]), axis=0)",
    **_all("f2py ma ctypeslib testing lib core polynomial emath exceptions rec char strings", _WAY_OUT),
    **_all("loadtxt genfromtxt fromfile memmap load save savez savetxt DataSource", _NO_FILES),
    **_all("copyto put putmask place fill_diagonal put_along_axis", _CHANGES),
    **_all("seterr seterrcall errstate set_printoptions", "such settings are not a program's to make"),
    **_all("frompyfunc apply_over_axes fromfunction fromiter", "write it on whole arrays"),
    **_all("frombuffer fromstring asanyarray ascontiguousarray ndarray matrix", "write np.array(...)"),
    **_all("float int bool float_ double single half float16", "write np.float32, np.int64 or np.bool_"),
    **_all("object_ str_ complex64 complex128 datetime64", "arrays hold real numbers or booleans"),
    **_all("mgrid ogrid meshgrid indices", "write x[:, None] and let arrays broadcast"),
    **_all("fft dual convolve", "a step has no past; keep what lasts in memory"),
    "linalg": "of np.linalg there is norm; write np.einsum(...) for products and np.cross(a, b) for normals",
    **_all("append insert delete pad", "write np.concatenate([a, b], axis=-1)"),
    **_all("argwhere nonzero flatnonzero tril triu extract compress", "write np.where(mask, a, b)"),
    **_all("bincount histogram unique", "write np.sum(x == value, axis=-1)"),
    **_all("kron outer tensordot inner vdot", "write np.sum(a * b, axis=-1), or np.einsum(...)"),
    **_all("diag diagonal", 'write np.einsum("...ii->...i", x)'),
    **_all("atleast_1d atleast_2d atleast_3d", "write x[:, None]"),
    **_all("percentile nanpercentile nanquantile", "write np.quantile(x, 0.5, axis=-1)"),
    **_all(
        "nanmax nanmean nanmin nansum nanstd nanmedian", "fields are never NaN; write np.max, np.mean, np.min, np.sum"
    ),
    **_all("angle unwrap", "write np.arctan2(np.sin(a), np.cos(a)), which lies in [-pi, pi]"),
    **_all("fmax fmin", "write np.maximum(a, b) or np.minimum(a, b)"),
    **_all("ndim size", "write x.ndim, x.size"),
    **_all("moveaxis rot90 rollaxis", "write np.transpose(x, axes) or np.flip(x, axis=-1)"),
    "allclose": "write np.all(np.isclose(a, b), axis=-1)",
    "around": "write np.round(x)",
    "bitwise_and": "write a & b",
    "bitwise_or": "write a | b",
    "bitwise_xor": "write a != b",
    **_all("bitwise_not invert", "write ~a"),
    "broadcast_arrays": "write np.broadcast_to(x, shape)",
    "cumprod": "write np.exp(np.cumsum(np.log(x), axis=-1))",
    "exp2": "write 2.0 ** x",
    "float_power": "write a ** b",
    "floor_divide": "write a // b",
    "identity": "write np.eye(n)",
    "logaddexp": "write np.maximum(a, b) + np.log1p(np.exp(-np.abs(a - b)))",
    "piecewise": "write np.select(conditions, values, default)",
    "polyval": "write a * x**2 + b * x + c",
    "positive": "write x",
    "ptp": "write np.max(x, axis=-1) - np.min(x, axis=-1)",
    "reciprocal": "write 1.0 / x",
    "signbit": "write x < 0",
    "sinc": "write np.sin(x) / x, guarded at 0 by np.where",
    "true_divide": "write a / b",
}
"""By the first name below `np`."""

ATTRIBUTES: dict[str, str] = {
    **_all("tofile dump dumps save tobytes", _NO_FILES),
    **_all("setflags flags setfield put itemset resize partition byteswap", _CHANGES),
    **_all("pop popitem clear setdefault remove insert", "build another dict or list instead"),
    **_all("format format_map join replace upper lower strip encode decode", 'write f"{name}_{part}"'),
    **_all("norm item abs exp log tanh sqrt square sin cos where", "write np.*, such as np.abs(x)"),
    **_all("tolist index", _ROWS),
    **_all("cpu cuda numpy detach clone to device requires_grad grad", "fields are NumPy arrays already"),
    **_all("unsqueeze view expand", "write x[:, None], or x.reshape(...)"),
    **_all("float double int long bool", "write x.astype(np.float32)"),
    **_all("base ctypes data strides real imag flat", "an array is known by its values and shape alone"),
    **_all("at reduce accumulate outer reduceat", "call the function itself, or np.sum, np.max, np.min"),
    "sort": "write np.sort(x, axis=-1)",
    "norm": "write np.linalg.norm(x, axis=-1)",
}
"""By the attribute's name, where it is none of the methods that there are."""

UNDERSCORE = "names that begin with an underscore lead out of the reward language; leave it out"
OTHERWISE = "write it with the functions that there are: np.sum, np.where, np.clip, np.linalg.norm ..."
"""Where nothing better is known."""

NAMES: dict[str, str] = {
    "print": "return the quantity as a term; every term is recorded",
    "getattr": "name the attribute directly",
    "hasattr": "fields are known beforehand; read them by their literal key",
    "open": _NO_FILES,
    "set": "write a list or a tuple",
    "map": "write a comprehension",
    "filter": "write a comprehension",
    "torch": _ARRAYS,
    "env": "a program sees the fields of state and next_state alone",
    "info": "a program sees the fields of state and next_state alone",
    "obs": "read the fields of `state` by name",
    "next_obs": "read the fields of `next_state` by name",
    "done": "terminations are not shown to programs; read the field that causes them",
    **_all("globals locals vars dir setattr delattr", "a program has no names but those that it defines"),
    **_all("compile exec", "write the code itself"),
    "eval": "write the expression itself",
    **_all("type object super property staticmethod classmethod", "write functions on arrays"),
    **_all("isinstance issubclass callable", "every field is an array with leading dimension N"),
    **_all("id hash memoryview", "a reward depends on the values of fields alone"),
    **_all("input exit quit help", "return terms for every row"),
    **_all("frozenset slice repr format chr ord ascii", "write a list, a tuple or a plain string"),
    **_all("bytes bytearray complex", "arrays hold real numbers or booleans"),
    **_all("iter next", "write a `for` loop over a list or range(...)"),
    **_all("Exception ValueError KeyError RuntimeError", "return terms for every row"),
    "pow": "write a ** b",
    "divmod": "write a // b and a % b",
}
"""By the name."""

NODES: dict[str, tuple[str, str]] = {
    "While": ("`while`", "loop over range(...) or work on whole arrays"),
    "ClassDef": ("`class`", "write functions"),
    "Try": ("`try`", "avoid the fault instead, for example with np.where or a small constant in the denominator"),
    "TryStar": ("`try`", "avoid the fault instead"),
    "Raise": ("`raise`", "return terms for every row"),
    "Assert": ("`assert`", "return terms for every row"),
    "With": ("`with`", "a program opens nothing"),
    "Global": ("`global`", "keep what lasts through an episode in memory"),
    "Nonlocal": ("`nonlocal`", "return the value"),
    "Delete": ("`del`", "leave the name alone"),
    "NamedExpr": ("`:=`", "assign on a line of its own"),
    "Yield": ("`yield`", "return a dict of terms"),
    "YieldFrom": ("`yield`", "return a dict of terms"),
    "Await": ("`await`", "write plain functions"),
    "AsyncFunctionDef": ("async function", "write plain functions"),
    "AsyncFor": ("`async for`", "write plain functions"),
    "AsyncWith": ("`async with`", "write plain functions"),
    "Match": ("`match`", "write np.where or np.select"),
    "Starred": ("`*`", "name every element"),
    "Set": ("set", "write a list or a tuple"),
    "SetComp": ("set comprehension", "write a list comprehension"),
}
"""Constructs that models write though the language lacks them: how messages call them, and what to write instead."""
