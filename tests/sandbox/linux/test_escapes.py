"""What code that has broken out of the reward language can still do in a locked process: nothing outside it."""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoreward.sandbox.isolation import level_of
from autoreward.sandbox.linux import landlock
from tests.sandbox.linux.conftest import Run

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="what Linux offers")

FILES = """
parent = os.getppid()
def read(path): return open(path, "rb").read(100)
attempt("read a file", lambda: read("/etc/passwd"))
attempt("read what all may read", lambda: read("VICTIM/file"))
attempt("read own memory", lambda: read("/proc/self/mem"))
attempt("read own status", lambda: read("/proc/self/status"))
attempt("list processes", lambda: os.listdir("/proc"))
attempt("list a folder", lambda: os.listdir("/"))
attempt("read parent's environment", lambda: read(f"/proc/{parent}/environ"))
attempt("read parent's memory", lambda: read(f"/proc/{parent}/mem"))
attempt("read init's environment", lambda: read("/proc/1/environ"))
attempt("write a file", lambda: open("VICTIM/other", "w"))
attempt("append", lambda: open("VICTIM/file", "a"))
attempt("truncate", lambda: os.open("VICTIM/file", os.O_WRONLY | os.O_TRUNC))
attempt("unlink", lambda: os.unlink("VICTIM/file"))
attempt("rename", lambda: os.rename("VICTIM/file", "VICTIM/other"))
attempt("become a program", lambda: os.execv("/bin/true", ["true"]))
attempt("make a folder", lambda: os.mkdir("VICTIM/other"))
"""
LINKS = """
attempt("link", lambda: os.link("VICTIM/file", "VICTIM/other"))
attempt("symbolic link", lambda: os.symlink("VICTIM/file", "VICTIM/other"))
"""
OTHERS = """
attempt("look at a file", lambda: os.stat("/etc/passwd"))
for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK, socket.AF_PACKET, 40, 38):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
        attempt(f"socket {int(family)} {int(kind)}", lambda: socket.socket(family, kind))
attempt("socket pair", socket.socketpair)
attempt("fork", os.fork)
attempt("spawn", lambda: os.posix_spawn("/bin/true", ["true"], {}))
attempt("thread", lambda: threading.Thread(target=print).start())
attempt("ptrace", lambda: call("ptrace", 16, parent, 0, 0))
attempt("read across", lambda: call("process_vm_readv", parent, 0, 0, 0, 0, 0))
attempt("write across", lambda: call("process_vm_writev", parent, 0, 0, 0, 0, 0))
attempt("limit the parent", lambda: resource.prlimit(parent, resource.RLIMIT_NOFILE))
attempt("more memory", lambda: call("prlimit64", 0, int(resource.RLIMIT_DATA), 0, 0))
# Signal 0 asks for the right alone: the filter does not look at the number, and a fault of ours would kill them all.
for target in (parent, -1, 0, 1, -parent):
    attempt(f"signal to {target}", lambda: os.kill(target, 0))
attempt("executable memory", lambda: mmap.mmap(-1, 4096, prot=7))
attempt("shared memory", lambda: mmap.mmap(-1, 1 << 32))
page = call("mmap", 0, 4096, 3, 0x22, -1, 0)
attempt("executable page", lambda: call("mprotect", page, 4096, 5))
attempt("own dumpable", lambda: call("prctl", 4, 1, 0, 0, 0))
attempt("import", lambda: __import__("sqlite3"))
attempt("terminal", lambda: call("ioctl", 0, 0x5412, page))
"""
REFUSALS = {"EPERM", "EACCES"}
# A thread cannot start, and a module is not found where no folder can be listed.
OTHER = {"thread": "RuntimeError", "import": "ModuleNotFoundError"}


@pytest.fixture
def victim() -> Iterator[Path]:
    """A folder in which everybody may do everything."""
    with tempfile.TemporaryDirectory(prefix="autoreward-victim-") as name:
        folder = Path(name)
        folder.joinpath("file").write_text("as it was")
        folder.chmod(0o777)
        folder.joinpath("file").chmod(0o666)
        yield folder
        folder.chmod(0o700)
        assert [path.name for path in folder.iterdir()] == ["file"]
        assert folder.joinpath("file").read_text() == "as it was"


@pytest.mark.parametrize("without", ["", "landlock"], ids=["both layers", "the filters alone"])
def test_whatever_reaches_outside_is_refused(run: Run, victim: Path, without: str) -> None:
    witnessed, results, code = run((FILES + OTHERS).replace("VICTIM", str(victim)), without)
    assert code == 0 and witnessed["filters"] == 2, results
    assert len(results) > 55
    assert {name: what for name, what in results.items() if what not in REFUSALS and what != OTHER.get(name)} == {}


FATAL = {
    "run a program": 'subprocess.run(["/bin/true"])',
    "memory file": 'os.memfd_create("x")',
    "io_uring": "call_number(425, 1, 0)",
    "bpf": "call_number(321, 0, 0, 0)",
    "namespace": 'call("unshare", 0x1000_0000)',
    "another filter": 'call("seccomp", 1, 0, 0)',
    "keys": 'call("keyctl", 0, 0, 0)',
    "process descriptor": 'call("pidfd_open", os.getppid(), 0)',
    "pipe": "os.pipe()",
    "rights": 'os.chmod("/tmp", 0o1777)',
    "link": 'os.symlink("/tmp/a", "/tmp/autoreward-escape")',
    "x32": "call_number(0x4000_0000 | 39)",
    "unknown": "call_number(9999)",
    "shared segment": 'call("shmget", 0, 4096, 0o600)',
    "mount": 'call("mount", 0, 0, 0, 0, 0)',
    "new session": "os.setsid()",
    "descriptor of another": 'call("pidfd_getfd", 0, 0, 0)',
}


@pytest.mark.parametrize("name", FATAL)
def test_what_no_program_needs_kills(run: Run, name: str) -> None:
    code = "call_number = lambda number, *rest: ctypes.CDLL(None).syscall(number, *rest)\n"
    _, results, status = run(f"{code}{FATAL[name]}\n")
    assert status == 31, f"not killed by SIGSYS: {results}"


@pytest.mark.parametrize("hidden", [False, True], ids=["open parent", "hidden parent"])
def test_landlock_alone_keeps_files_and_the_parent(run: Run, victim: Path, hidden: bool) -> None:
    witnessed, results, _ = run((FILES + LINKS).replace("VICTIM", str(victim)), "seccomp", hidden)
    if not witnessed["landlock"]:
        pytest.skip("this kernel has no Landlock")
    assert witnessed["filters"] == 0
    assert set(results.values()) <= REFUSALS, results


HIDDEN = """
parent = os.getppid()
attempt("root", lambda: os.geteuid() == 0)
attempt("environment", lambda: b"canary" in open(f"/proc/{parent}/environ", "rb").read())
attempt("memory", lambda: len(open(f"/proc/{parent}/mem", "rb").name))
"""


def test_a_hidden_parent_keeps_its_secret_by_itself(run: Run) -> None:
    """Without any layer a process of the same user reads the environment; not if the parent hides itself."""
    everything = "namespaces,landlock,seccomp,capabilities"
    assert run(HIDDEN, everything, hidden=False)[1]["environment"] == "True", "the attack works where nothing stops it"
    _, results, _ = run(HIDDEN, everything, hidden=True)
    if results["root"] == "False":  # root may read whatever hides, unless a layer stops it
        assert results["environment"] == results["memory"] == "EACCES"


def test_an_import_after_the_lock_finds_what_is_loaded(run: Run) -> None:
    _, results, _ = run('attempt("loaded", lambda: __import__("numpy").sum([1, 2]) == 3)')
    assert results == {"loaded": "np.True_"}


THREAD = """
import queue
asked, answered = queue.Queue(), queue.Queue()
def work():
    asked.get()
    try:
        answered.put(open("/etc/passwd").read())
    except OSError as error:
        answered.put(errno.errorcode[error.errno])
threading.Thread(target=work, daemon=True).start()
"""


def test_a_thread_that_ran_before_the_lock_is_held_by_the_filters_and_costs_a_level(run: Run) -> None:
    ask = 'asked.put(None); attempt("limits", lambda: resource.getrlimit(resource.RLIMIT_NPROC))\n'
    witnessed, results, _ = run(ask + 'results["thread"] = answered.get(timeout=20)', before=THREAD)
    assert results["thread"] == "EACCES"
    assert witnessed["landlock"] == 0 and "threads already run" in witnessed["missing"]["landlock"]
    assert level_of(witnessed["probes"], witnessed["filters"], witnessed["landlock"]) == "B"
    assert witnessed["limits"]["NPROC"] == 0 and results["limits"] in REFUSALS


def test_folders_of_libraries_open_no_more_than_themselves(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", f".:/:..::lib:/usr/..:{tmp_path}")
    paths = landlock.readable()
    assert str(tmp_path) in paths and all(os.path.isabs(path) for path in paths)
    assert not {os.path.realpath(path) for path in paths} & {"/", "/etc", "/home", "/root", "/tmp", "/proc", "/usr"}
    checkout = str(Path(__file__).parents[3])
    assert checkout not in paths, "of a checkout the package's own folder alone"
