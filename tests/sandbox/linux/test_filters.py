"""The filters' decisions, by a small interpreter of the kernel's machine language: for both machines, on either."""

import errno
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoreward.sandbox.linux import bpf, seccomp
from autoreward.sandbox.linux.bpf import ALLOW, KILL, Check, Instruction, Rule, assemble, encode, refuse
from autoreward.sandbox.linux.syscalls import AARCH64, X86_64, Machine

PID = 4711
EPERM, EACCES, ENOSYS = refuse(errno.EPERM), refuse(errno.EACCES), refuse(errno.ENOSYS)
MACHINES = pytest.mark.parametrize("machine", [X86_64, AARCH64], ids=lambda machine: machine.name)
WORDS = st.integers(0, 2**64 - 1)


def decide(program: list[Instruction], architecture: int, number: int, arguments: list[int]) -> int:
    """What the kernel would do: the program is run as `struct sock_filter[]` over `struct seccomp_data`."""
    data = struct.pack("<IIQ6Q", number, architecture, 0xDEAD_BEEF, *(arguments + [0] * 6)[:6])
    code = encode(program)
    assert len(program) <= 4096, "the kernel takes no longer filter"
    accumulator, position = None, 0
    while True:
        operation, true, false, value = struct.unpack_from("<HBBI", code, 8 * position)
        position += 1
        if operation == 0x20:  # ld [k]
            assert value % 4 == 0 and value < len(data)
            (accumulator,) = struct.unpack_from("<I", data, value)
        elif operation == 0x54:  # and #k
            accumulator &= value
        elif operation == 0x15:  # jeq #k
            position += true if accumulator == value else false
        elif operation == 0x35:  # jge #k
            position += true if accumulator >= value else false
        else:
            assert operation == 0x06, "ret #k"
            return value


def meant(rules: list[Rule], default: int, name: str, arguments: list[int]) -> int:
    """What the rules say in words."""
    for rule in rules:
        if name in rule.calls:
            held = all(arguments[check.argument] & check.mask == check.value for check in rule.checks)
            return rule.action if held else rule.otherwise
    return default


@MACHINES
@pytest.mark.parametrize(("rules", "default"), [(seccomp.first(PID), ALLOW), (seccomp.last(PID), KILL)])
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_filter_decides_as_its_rules_say(
    machine: Machine, rules: list[Rule], default: int, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(machine.numbers)))
    interesting = st.sampled_from([0, PID, 0x1_0000, 0x22, 0x21, 0x122, 3, 7, PID | 1 << 32]) | WORDS
    arguments = data.draw(st.lists(interesting, min_size=6, max_size=6))
    program = assemble(rules, default, machine)
    assert decide(program, machine.audit, machine.numbers[name], arguments) == meant(rules, default, name, arguments)


@MACHINES
@settings(max_examples=150, deadline=None)
@given(number=st.integers(0, 2**32 - 1), architecture=st.integers(0, 2**32 - 1), arguments=st.lists(WORDS, max_size=6))
def test_what_no_table_knows_kills(machine: Machine, number: int, architecture: int, arguments: list[int]) -> None:
    program = assemble(seccomp.last(PID), KILL, machine)
    if architecture != machine.audit:
        assert decide(program, architecture, number, arguments) == KILL
    if number not in machine.numbers.values():
        assert decide(program, machine.audit, number, arguments) == KILL


@pytest.mark.parametrize("rules", [seccomp.first(PID), seccomp.last(PID)])
def test_the_second_table_of_x86_64_kills(rules: list[Rule]) -> None:
    program = assemble(rules, ALLOW, X86_64)
    for number in (0, X86_64.numbers["socket"], 0x3FFF_FFFF, 0x8000_0000):
        assert decide(program, X86_64.audit, 0x4000_0000 | number, []) == KILL
    assert decide(program, 0x4000_0003, 5, []) == KILL, "calls of 32-bit programs"


@MACHINES
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_checks_compare_all_64_bits(machine: Machine, data: st.DataObject) -> None:
    check = st.builds(lambda a, m, v: Check(a, m, v & m), st.integers(0, 5), WORDS, WORDS)
    checks = tuple(data.draw(st.lists(check, max_size=4)))
    arguments = data.draw(st.lists(WORDS, min_size=6, max_size=6))
    for each in checks:
        if data.draw(st.booleans()):
            arguments[each.argument] = arguments[each.argument] & ~each.mask | each.value
    rules = [Rule(("read",), ALLOW, checks, EPERM), Rule(("write",), EACCES)]
    program = assemble(rules, KILL, machine)
    for name in ("read", "write", "close"):
        found = decide(program, machine.audit, machine.numbers[name], arguments)
        assert found == meant(rules, KILL, name, arguments)


@MACHINES
def test_the_last_filter_allows_computing_and_no_more(machine: Machine) -> None:
    program = assemble(seccomp.last(PID), KILL, machine)

    def decision(name: str, *arguments: int) -> int:
        return decide(program, machine.audit, machine.numbers[name], list(arguments))

    anonymous, private, shared, grows, execute = 0x20, 2, 1, 0x100, 4
    assert decision("mmap", 0, 4096, 3, private | anonymous) == ALLOW
    assert decision("mmap", 0, 4096, 3 | execute, private | anonymous) == EPERM
    assert decision("mmap", 0, 4096, 3, private) == EPERM, "files"
    assert decision("mmap", 0, 4096, 3, shared | anonymous) == EPERM, "memory beyond the limit"
    assert decision("mmap", 0, 4096, 3, private | anonymous | grows) == EPERM, "memory beyond the limit"
    assert decision("mprotect", 0, 4096, 3) == ALLOW
    assert decision("mprotect", 0, 4096, execute) == EPERM
    for call in ("kill", "tgkill"):
        assert decision(call, PID, 9) == ALLOW
        for other in (PID - 1, 0, 1, 2**32 - 1, 2**32 - PID):
            assert decision(call, other, 9) == EPERM
    assert decision("clone", 0x1_0000) == EPERM and decision("clone3") == ENOSYS
    allowed = {name for name in machine.numbers if decision(name) == ALLOW}
    assert allowed <= set(seccomp._COMPUTE) | {"mprotect"}
    for name in ("execveat", "memfd_create", "io_uring_setup", "seccomp", "capset", "unshare", "prctl"):
        assert decision(name) != ALLOW


@MACHINES
def test_the_first_filter_lets_threads_start_but_no_process_and_no_namespace(machine: Machine) -> None:
    program = assemble(seccomp.first(PID), ALLOW, machine)
    clone = machine.numbers["clone"]
    thread = 0x3D0F00  # what libc asks for
    assert decide(program, machine.audit, clone, [thread]) == ALLOW
    assert decide(program, machine.audit, clone, [17]) == EPERM, "fork"
    for namespace in (0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000, 0x80):
        assert decide(program, machine.audit, clone, [thread | namespace]) == EPERM
    for name in ("socket", "execve", "ptrace", "setns", "unshare", "bpf", "keyctl", "io_uring_setup", "shmget"):
        assert decide(program, machine.audit, machine.numbers[name], []) == EPERM
    for name in ("openat", "read", "mmap", "futex"):
        assert decide(program, machine.audit, machine.numbers[name], [0, 0, 4]) == ALLOW


def test_rules_name_calls_that_the_tables_have() -> None:
    named = {name for rule in (*seccomp.first(PID), *seccomp.last(PID)) for name in rule.calls}
    assert named <= set(X86_64.numbers)
    assert {"openat", "socket", "clone", "mmap", "kill"} <= set(AARCH64.numbers)
    for machine in (X86_64, AARCH64):
        assert len(set(machine.numbers.values())) == len(machine.numbers), "two calls with one number"


@pytest.mark.parametrize(
    ("machine", "header"),
    [(X86_64, "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), (AARCH64, "/usr/include/asm-generic/unistd.h")],
    ids=["x86_64", "aarch64"],
)
def test_numbers_are_those_of_the_kernels_headers(machine: Machine, header: str) -> None:
    if not Path(header).exists():
        pytest.skip("the kernel's headers are not installed")
    defined = {}
    for line in Path(header).read_text().splitlines():
        words = line.replace("__NR3264_", "__NR_").split()
        if len(words) >= 3 and words[0] == "#define" and words[1].startswith("__NR_") and words[2].isdigit():
            defined[words[1].removeprefix("__NR_")] = int(words[2])
    renamed = {"newfstatat": "fstatat"} if machine is AARCH64 else {}
    assert len(defined) > 250
    for name, number in machine.numbers.items():
        assert defined[renamed.get(name, name)] == number, name


def test_a_rule_of_many_checks_still_jumps_to_its_end() -> None:
    checks = tuple(Check(index, 2**64 - 1, index) for index in range(6))
    program = assemble([Rule(("read",), ALLOW, checks, EPERM)], bpf.KILL, X86_64)
    assert decide(program, X86_64.audit, 0, [0, 1, 2, 3, 4, 5]) == ALLOW
    for wrong in range(6):
        arguments = [0, 1, 2, 3, 4, 5]
        arguments[wrong] += 1 << 40
        assert decide(program, X86_64.audit, 0, arguments) == EPERM
