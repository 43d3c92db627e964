"""The import order of the design: imports only point up the list, and there is no cycle."""

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "autoreward"
ORDER = """
errors plugins records language schema environment task config sandbox envs reward training llm prompts designer critic
analyzer store tracking engine report search view testing api display sweeps commands cli
""".split()  # noqa: SIM905 - a list of words reads better as words


def modules() -> dict[str, Path]:
    """Dotted name -> file, through the links to `envs/` and `prompts/` as an importer sees them."""
    found = {}
    for part in [PACKAGE, PACKAGE / "envs", PACKAGE / "prompts"]:
        for path in part.rglob("*.py"):
            found[".".join(("autoreward", *path.relative_to(PACKAGE).with_suffix("").parts))] = path
    return {name.removesuffix(".__init__"): path for name, path in found.items()}


def imports(name: str, path: Path, known: set[str]) -> set[str]:
    """The package's own modules that a module imports, inside functions too, but not for type checking only."""
    found: set[str] = set()
    tree = ast.parse(path.read_text())
    skipped = {
        node
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
        for statement in branch.body
        for node in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            children = {f"{node.module}.{alias.name}" for alias in node.names} & known
            found |= children or {node.module}
        assert not (isinstance(node, ast.ImportFrom) and node.level), f"{name} imports relatively"
    return {target for target in found if target in known and target != name}


# The root is left out: its `__getattr__` reaches `api` lazily, which is how `import autoreward` stays light.
KNOWN = set(modules()) - {"autoreward"}
GRAPH = {name: imports(name, path, KNOWN) for name, path in modules().items() if name in KNOWN}


def layer(name: str) -> str | None:
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else None


def test_every_folder_has_its_place_in_the_order() -> None:
    assert {layer(name) for name in GRAPH} - {"__main__"} <= set(ORDER)


def test_imports_only_point_up() -> None:
    upward = [
        f"{name} imports {target}"
        for name, targets in GRAPH.items()
        for target in targets
        if layer(name) in ORDER and ORDER.index(layer(target) or "") > ORDER.index(layer(name) or "")
    ]
    assert not upward, "imports against the order of the design: " + "; ".join(sorted(upward))


def test_no_cycles() -> None:
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, "import cycle: " + " -> ".join([*trail[trail.index(name) :], name])
        if name not in done:
            for target in GRAPH[name]:
                visit(target, (*trail, name))
            done.add(name)

    for name in GRAPH:
        visit(name, ())


def test_the_check_sees_an_upward_import(tmp_path: Path) -> None:
    """The graph is read from real import statements, those inside functions included."""
    file = tmp_path / "module.py"
    file.write_text("def f():\n    from autoreward.cli import main\n")
    assert imports("autoreward.errors", file, {"autoreward.cli"}) == {"autoreward.cli"}


@pytest.mark.parametrize(
    "heavy", ["torch", "stable_baselines3", "openai", "mujoco", "gymnasium", "matplotlib", "genai_prices"]
)
def test_import_autoreward_is_light(heavy: str) -> None:
    code = f"import sys, autoreward; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_files_stay_short() -> None:
    long = {name: lines for name, path in modules().items() if (lines := len(path.read_text().splitlines())) > 350}
    assert not long, f"what second thing moved into {long}?"


def test_no_two_tests_are_of_one_name() -> None:
    """Folders of tests are no packages, so pytest would find the one in place of the other."""
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert not [name for name, count in names.items() if count > 1]
