"""Code from elsewhere has one road, the cell: every other call that could run or unpickle something is known."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.test_architecture import modules

ALLOWED = {
    ("autoreward.sandbox.runner", "exec"): "a verified program's compiled code, inside the cell (or one trusted)",
    ("autoreward.sandbox.guards", "__import__"): "NumPy's own helpers, for NumPy's C code, inside the cell",
    ("autoreward.sandbox.warmup", "exec"): "fixed text, so that Python loads what a traceback needs",
    ("autoreward.sandbox.warmup", "compile"): "the same",
    ("autoreward", "import_module"): "fixed names of the package's own modules",
    ("autoreward.cli", "import_module"): "fixed names of the commands' modules",
    ("autoreward.envs.fields", "import_module"): "fixed names",
    (
        "autoreward.plugins",
        "resolve_name",
    ): "`module:attr` of a designer, trainer, algorithm or engine, typed or trusted",
    ("autoreward.testing.engine", "import_module"): "the engine that the author of a plug-in has checked",
    ("autoreward.envs.registry", "import_module"): "`module:Id`, typed, or of a pack or run that is trusted",
}
RUNS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "import_module",
    "resolve_name",
    "run_module",
    "run_path",
    "runcode",
    "run_code",
}
"""Names of functions that run code, or load it, whatever they are called on (but `re.compile`)."""
UNPICKLES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
"""Modules that nothing may be read with; none of them is imported at all."""
LOADERS = {("torch", "load"), ("yaml", "load"), ("yaml", "unsafe_load"), ("yaml", "full_load"), ("torch.jit", "load")}
SHELLS = {("os", "system"), ("os", "popen"), ("subprocess", "getoutput"), ("subprocess", "getstatusoutput")}


def called(node: ast.Call) -> tuple[str, str]:
    """What a call is made on, and its name: `torch.load(...)` is ("torch", "load")."""
    if isinstance(node.func, ast.Attribute):
        return ast.unparse(node.func.value), node.func.attr
    return "", node.func.id if isinstance(node.func, ast.Name) else ""


def fault(module: str, node: ast.AST) -> str | None:
    """What is wrong with a node, if anything."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        found = sorted({name.split(".")[0] for name in names} & UNPICKLES)
        return f"imports {found[0]}" if found else None
    if not isinstance(node, ast.Call):
        return None
    owner, name = called(node)
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
    if name in RUNS and owner != "re" and (module, name) not in ALLOWED:
        return f"calls {name}"
    if (owner, name) in LOADERS | SHELLS or given.get("shell") == "True":
        return f"calls {owner}.{name}"
    if name == "load" and owner in ("np", "numpy") and given.get("allow_pickle", "False") != "False":
        return "reads pickled arrays"
    if name == "load" and owner in ("PPO", "VecNormalize", "BaseAlgorithm", "kind"):
        return "reads a pickled policy"
    return None


def faults(sources: dict[str, str]) -> list[str]:
    return [
        f"{module}:{getattr(node, 'lineno', 0)} {found}"
        for module, source in sources.items()
        for node in ast.walk(ast.parse(source))
        if (found := fault(module, node))
    ]


def test_no_module_runs_or_unpickles_what_came_from_elsewhere() -> None:
    found = faults({name: path.read_text() for name, path in modules().items()})
    assert not found, "a road for code: take it away, or say in ALLOWED why it is none: " + "; ".join(found)


def test_the_list_of_exceptions_is_not_longer_than_needed() -> None:
    sources = {name: path.read_text() for name, path in modules().items()}
    needed = {
        (module, called(node)[1])
        for module, source in sources.items()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and called(node)[1] in RUNS and called(node)[0] != "re"
    }
    assert set(ALLOWED) == needed


def test_the_check_sees_every_kind_of_road(tmp_path: Path) -> None:
    roads = [
        "eval('1')",
        "exec(code)",
        "compile(text, '', 'exec')",
        "importlib.import_module(name)",
        "pkgutil.resolve_name(name)",
        "import pickle",
        "from joblib import load",
        "torch.load(path)",
        "yaml.load(text)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=trusted)",
        "PPO.load('policy.zip')",
        "os.system('ls')",
        "subprocess.run('ls', shell=True)",
    ]
    assert len(faults({f"m{place}": road for place, road in enumerate(roads)})) == len(roads)
    assert not faults({"m": "re.compile('a'); np.load(path); yaml.safe_load(text); json.loads(text)"})
