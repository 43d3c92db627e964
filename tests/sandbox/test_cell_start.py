"""What a cell is as it starts: its contract, what it inherits, its level; and that it starts."""

import ast
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autoreward.errors import MACHINE, CellFailed
from autoreward.language.program import Grammar, Program
from autoreward.sandbox import process
from autoreward.sandbox.contract import Cell, Memory
from autoreward.sandbox.inprocess import InProcessCell
from autoreward.sandbox.isolation import Isolation
from autoreward.sandbox.process import ProcessCell
from autoreward.schema import EnvSchema
from autoreward.testing.cell import BEST, PLAIN, SCHEMA, episodes, sample
from autoreward.testing.conformance import check_cell
from tests.sandbox.escaped import ESCAPED

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="what Linux offers")


@pytest.mark.parametrize("new_cell", [lambda: ProcessCell(deadline=1.0), InProcessCell], ids=["process", "in process"])
def test_cells_keep_the_contract(new_cell: Callable[[], Cell]) -> None:
    check_cell(new_cell, every=20)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_cell_withstands_every_program_of_both_collections() -> None:
    check_cell(lambda: ProcessCell(deadline=1.0))


class Boaster(InProcessCell):
    """A cell in this process that claims to be more."""

    isolation = Isolation(level="A", probes={"read a file": False}, filters=2, landlock=7)


class Pretender(InProcessCell):
    """It shows the probes of another process, and a process of its own, which nothing locks."""

    def load(self, source: str, schema: EnvSchema, grammar: Grammar) -> Program:
        self.isolation = Isolation(level="A", probes={"read a file": True}, filters=2, landlock=7)
        self.other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        return super().load(source, schema, grammar)

    def close(self) -> None:
        if hasattr(self, "other"):
            self.other.communicate()
        super().close()


class Littering(InProcessCell):
    """A cell whose programs leave a file in the working folder."""

    def load(self, source: str, schema: EnvSchema, grammar: Grammar) -> Program:
        Path("PWNED_by_a_test").touch()
        return super().load(source, schema, grammar)


class Credulous(InProcessCell):
    """A cell that lets a program through that reads a file; here something else is scored in its place."""

    def load(self, source: str, schema: EnvSchema, grammar: Grammar) -> Program:
        return super().load(PLAIN if "np.fromfile" in source else source, schema, grammar)


@pytest.mark.parametrize(
    ("new_cell", "said"),
    [
        (Boaster, "what the probes show"),
        pytest.param(Pretender, "the kernel says that it locks", marks=linux),
        (Credulous, "must be refused or fail"),
        (Littering, r"had an effect outside.*PWNED_by_a_test"),
    ],
)
def test_cells_that_break_the_contract_are_found(
    new_cell: Callable[[], Cell], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AssertionError, match=said):
        check_cell(new_cell, every=40)


FORK = """
import os
from autoreward.errors import MACHINE, CellFailed
from autoreward.sandbox.process import ProcessCell
cell = ProcessCell()
cell.start()
if (child := os.fork()) == 0:
    own = ProcessCell()
    own.start()
    own.close()
    cell.close()
    os._exit(0 if own.isolation.level == cell.isolation.level else 1)
assert os.waitpid(child, 0)[1] == 0
os.kill(cell.pid, 0)
"""


@pytest.mark.any_user
def test_a_fork_starts_cells_of_its_own_and_leaves_its_parents_alone() -> None:
    done = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


ENVIRONMENT = "tell(sorted(dict(os.environ)) if 'canary' not in str(os.environ) else 'the canary')"

DESCRIPTORS = """
found = []
for descriptor in range(100):
    try:
        os.lseek(descriptor, 0, 1)
        found.append(descriptor)
    except OSError as error:
        if error.errno == 29:
            found.append(-descriptor)
tell(found)
"""


@pytest.mark.any_user
@linux
def test_nothing_is_inherited(escaped: ProcessCell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary-4711")
    secret = tmp_path / "secret.txt"
    secret.write_text("canary-4711")
    with secret.open() as file:
        os.set_inheritable(file.fileno(), True)
        with pytest.raises(CellFailed) as caught:
            escaped.load(ENVIRONMENT, SCHEMA, "terms")
        threads = {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"}
        assert (
            set(ast.literal_eval(str(caught.value))) <= {"LANG", "MALLOC_TRIM_THRESHOLD_", "LD_LIBRARY_PATH"} | threads
        )
        with pytest.raises(CellFailed) as caught:
            escaped.load(DESCRIPTORS, SCHEMA, "terms")
        found = ast.literal_eval(str(caught.value))
        assert sum(descriptor < 0 for descriptor in found) == 4, "both ends of the protocol, output and errors: pipes"
        seekable = [descriptor for descriptor in found if descriptor >= 0]
        assert seekable[0] == 0 and len(seekable) <= 3, (
            "/dev/null, and the two blocks of shared memory, which are sealed"
        )
    assert os.getsid(escaped.pid or 0) != os.getsid(0)
    status = Path(f"/proc/{escaped.pid}/status").read_text()
    assert "NoNewPrivs:\t1" in status and "Threads:\t1" in status and "CapEff:\t0000000000000000" in status
    limits = escaped.start().limits
    assert limits["FSIZE"] == limits["CORE"] == limits["NPROC"] == 0
    assert limits["DATA"] == 1 << 30 and limits["NOFILE"] <= 32


@linux
def test_where_python_needs_a_call_that_is_not_allowed_the_level_falls(monkeypatch: pytest.MonkeyPatch) -> None:
    use = "child.probes.probe = lambda *_: {'read a file': bool(call('memfd_create', ctypes.addressof(b), 0))}\n"
    code = ESCAPED.replace("child.main()", "b = ctypes.create_string_buffer(2)\n" + use + "child.main()")
    monkeypatch.setattr("autoreward.sandbox.process._BOOT", code)
    cell = ProcessCell(least="C")
    found = cell.start()
    assert found.level == "C" and found.filters == 0 and "Python itself" in found.missing["seccomp"]
    cell.close()


def test_a_cell_that_does_not_start_is_tried_once_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = tmp_path / "tried"
    once = f"import os, sys; os.path.exists({str(tried)!r}) or (open({str(tried)!r}, 'w').close(), sys.exit(3)); "
    monkeypatch.setattr("autoreward.sandbox.process._BOOT", once + process._BOOT)
    cell = ProcessCell(least="C")
    assert cell.load(PLAIN, SCHEMA, "terms").weights
    assert tried.exists()
    cell.close()


def test_a_cell_that_never_starts_is_the_machines_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autoreward.sandbox.process._BOOT", "import sys; sys.exit(3)")
    cell = ProcessCell(least="C")
    with pytest.raises(CellFailed, match=f"^{MACHINE}.*did not start") as caught:
        cell.load(PLAIN, SCHEMA, "terms")
    assert caught.value.reason == "start" and cell.pid is None


def test_large_chunks_pass_the_pipes(cell: ProcessCell) -> None:
    cell.load(BEST, SCHEMA, "terms")
    inputs, begun = sample(40, 5000), episodes(40, 5000)
    assert cell.score(inputs, begun, Memory()).terms["progress"].shape == (40, 5000)
