"""The two filters on system calls that a cell puts on itself.

Covered: the first, before NumPy is imported, refuses what no import needs: network, new processes and programs,
other processes' memory, signals to others, mounts, namespaces, kernel interfaces with a history of holes. The second,
when all is loaded, is a list of what a cell needs to compute; opening files fails, and what is not listed kills.
Both hold for every thread of the process. Not covered: faults of the kernel in the calls that stay allowed.
"""

from __future__ import annotations

import ctypes
import errno

from autoreward.sandbox.linux.bpf import ALLOW, KILL, Check, Rule, assemble, encode, refuse
from autoreward.sandbox.linux.syscalls import Machine, call

_DENY, _NO_ACCESS = refuse(errno.EPERM), refuse(errno.EACCES)
_ABSENT = refuse(errno.ENOSYS)

_WORD = 0xFFFF_FFFF
_CLONE_THREAD, _CLONE_NAMESPACES = 0x0001_0000, 0x7E02_0080
_PROT_EXEC = 0x4
_MAP_SHARED, _MAP_PRIVATE, _MAP_ANONYMOUS, _MAP_GROWSDOWN = 0x1, 0x2, 0x20, 0x100


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_OTHERS = _words(
    """
    socket socketpair bind listen connect accept accept4 sendto sendmsg sendmmsg recvfrom recvmsg recvmmsg
    execve execveat fork vfork tkill rt_sigqueueinfo rt_tgsigqueueinfo
    ptrace process_vm_readv process_vm_writev prctl prlimit64 setrlimit
    """
)
"""Network, processes and their memory: refused rather than killed in both filters, for the self-test tries them."""
_ADMINISTRATION = _words(
    """
    pidfd_open pidfd_getfd pidfd_send_signal kcmp process_madvise process_mrelease
    mount umount2 pivot_root chroot move_mount open_tree fsopen fsconfig fsmount fspick mount_setattr unshare setns
    bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register add_key request_key keyctl
    init_module finit_module delete_module kexec_load kexec_file_load reboot swapon swapoff acct quotactl syslog
    shmget shmat shmctl shmdt semget semop semctl semtimedop msgget msgsnd msgrcv msgctl mq_open mq_unlink
    setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid setgroups personality setsid setpgid
    open_by_handle_at name_to_handle_at fanotify_init memfd_secret modify_ldt iopl ioperm uselib vmsplice
    settimeofday clock_settime clock_adjtime adjtimex sethostname setdomainname vhangup
    move_pages migrate_pages sched_setaffinity setpriority ioprio_set
    """
)
_FILES = _words(
    """
    open openat openat2 creat stat lstat newfstatat statx access faccessat faccessat2 readlink readlinkat
    getdents getdents64 getcwd ioctl fcntl unlink unlinkat rename renameat renameat2 mkdir mkdirat rmdir
    """
)
_COMPUTE = _words(
    """
    read write close lseek fstat munmap mremap brk madvise futex poll ppoll
    clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time setitimer
    rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack restart_syscall
    getrandom sched_yield sched_getaffinity getpid getppid gettid getrusage exit exit_group
    """
)


def first(pid: int) -> list[Rule]:
    """Rules for the time in which NumPy is imported, for the process `pid`; all other calls are allowed."""
    # `prctl` and limits are still needed for the second filter's sake; they concern this process alone.
    mine = {"prctl", "prlimit64", "setrlimit"}
    return [
        Rule(tuple(name for name in _OTHERS if name not in mine) + _ADMINISTRATION, _DENY),
        # A call without flags in a register cannot be filtered; told that it does not exist, libc uses `clone`.
        Rule(("clone3",), _ABSENT),
        Rule(("clone",), ALLOW, (Check(0, _CLONE_THREAD | _CLONE_NAMESPACES, _CLONE_THREAD),), _DENY),
        Rule(("kill", "tgkill"), ALLOW, (Check(0, _WORD, pid),), _DENY),
        # Terminals take commands through it (TIOCSTI); an import does without.
        Rule(("ioctl",), _NO_ACCESS),
    ]


def last(pid: int) -> list[Rule]:
    """Rules for the time in which programs run; all other calls kill the process."""
    return [
        Rule(_COMPUTE, ALLOW),
        # Memory of its own alone: a shared mapping, or one that grows downwards, would not count as data.
        Rule(
            ("mmap",),
            ALLOW,
            (
                Check(2, _PROT_EXEC, 0),
                Check(3, _MAP_SHARED | _MAP_PRIVATE | _MAP_ANONYMOUS | _MAP_GROWSDOWN, _MAP_PRIVATE | _MAP_ANONYMOUS),
            ),
            _DENY,
        ),
        Rule(("mprotect",), ALLOW, (Check(2, _PROT_EXEC, 0),), _DENY),
        Rule(("kill", "tgkill"), ALLOW, (Check(0, _WORD, pid),), _DENY),
        Rule(_FILES, _NO_ACCESS),
        Rule((*_OTHERS, "clone"), _DENY),
        Rule(("clone3",), _ABSENT),
    ]


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def install(rules: list[Rule], default: int, machine: Machine) -> None:
    """Put a filter in force for all threads, for good.

    Raises:
        OSError: the kernel does not take it, or a thread has filters of its own.
    """
    steps = assemble(rules, default, machine)
    program = _Program(len(steps), encode(steps))
    set_filter, all_threads = 1, 1
    if call("seccomp", set_filter, all_threads, ctypes.addressof(program)):
        raise OSError(errno.EBUSY, "a thread of the process does not take the filter")


def install_first(machine: Machine, pid: int) -> None:
    """The first filter. Raises as `install`."""
    install(first(pid), ALLOW, machine)


def install_last(machine: Machine, pid: int) -> None:
    """The second filter. Raises as `install`."""
    install(last(pid), KILL, machine)
