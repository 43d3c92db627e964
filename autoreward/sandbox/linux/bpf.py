"""Filters on system calls, assembled into the kernel's small machine language (classic BPF).

Covered: which call, on which machine, and arguments that are compared under a mask. A call of another architecture,
or of x32, kills. Not covered: what a pointer argument points to; the kernel shows a filter the numbers alone.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from autoreward.sandbox.linux.syscalls import Machine

KILL = 0x8000_0000
"""End the process (SIGSYS)."""
ALLOW = 0x7FFF_0000
_ERRNO = 0x0005_0000

_LOAD, _AND, _RETURN = 0x20, 0x54, 0x06
_JUMP_EQUAL, _JUMP_AT_LEAST = 0x15, 0x35
# struct seccomp_data: int nr; u32 arch; u64 instruction_pointer; u64 args[6] - little-endian on both machines.
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_X32 = 0x4000_0000


def refuse(errno: int) -> int:
    """The action that makes a call fail with this error."""
    return _ERRNO | errno


@dataclass(frozen=True)
class Check:
    """Holds when `argument & mask == value`, in 64 bits."""

    argument: int
    """0 to 5."""
    mask: int
    value: int


@dataclass(frozen=True)
class Rule:
    """What happens to calls of these names."""

    calls: tuple[str, ...]
    """Those that a machine does not have are left out."""
    action: int
    """Where all checks hold."""
    checks: tuple[Check, ...] = ()
    otherwise: int = KILL


@dataclass(frozen=True)
class Instruction:
    """One step: operation, how far to jump if true and if false, and a number."""

    code: int
    true: int
    false: int
    number: int


def assemble(rules: Sequence[Rule], default: int, machine: Machine) -> list[Instruction]:
    """The filter of these rules, for one machine; `default` is for calls that no rule names."""
    program = [
        Instruction(_LOAD, 0, 0, _ARCHITECTURE),
        Instruction(_JUMP_EQUAL, 1, 0, machine.audit),
        Instruction(_RETURN, 0, 0, KILL),
        Instruction(_LOAD, 0, 0, _NUMBER),
    ]
    if machine.has_x32:
        program += [Instruction(_JUMP_AT_LEAST, 0, 1, _X32), Instruction(_RETURN, 0, 0, KILL)]
    for rule in rules:
        block = _decide(rule)
        for name in rule.calls:
            if name in machine.numbers:
                program.append(Instruction(_JUMP_EQUAL, 0, len(block), machine.numbers[name]))
                program += block
    program.append(Instruction(_RETURN, 0, 0, default))
    return program


def _decide(rule: Rule) -> list[Instruction]:
    """Returns in every case, so that whatever comes next still finds the call's number loaded."""
    halves = [
        (_ARGUMENTS + 8 * check.argument + 4 * half, mask, check.value >> 32 * half & 0xFFFF_FFFF)
        for check in rule.checks
        for half in (0, 1)
        if (mask := check.mask >> 32 * half & 0xFFFF_FFFF)
    ]
    block = []
    for index, (offset, mask, value) in enumerate(halves):
        to_otherwise = 3 * (len(halves) - index - 1) + 1
        block += [
            Instruction(_LOAD, 0, 0, offset),
            Instruction(_AND, 0, 0, mask),
            Instruction(_JUMP_EQUAL, 0, to_otherwise, value),
        ]
    block.append(Instruction(_RETURN, 0, 0, rule.action))
    return [*block, Instruction(_RETURN, 0, 0, rule.otherwise)] if halves else block


def encode(program: Sequence[Instruction]) -> bytes:
    """`struct sock_filter[]`."""
    return b"".join(struct.pack("=HBBI", step.code, step.true, step.false, step.number) for step in program)
