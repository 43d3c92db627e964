"""Numbers of system calls on x86-64 and aarch64, and a way to make them."""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import platform
import sys
from dataclasses import dataclass

_TABLE = """
read 0 63  write 1 64  close 3 57  lseek 8 62  fstat 5 80  mmap 9 222  mprotect 10 226  munmap 11 215  mremap 25 216
brk 12 214  madvise 28 233  futex 202 98  clock_gettime 228 113  clock_getres 229 114  clock_nanosleep 230 115
nanosleep 35 101  gettimeofday 96 169  time 201 -  rt_sigaction 13 134  rt_sigprocmask 14 135  rt_sigreturn 15 139
sigaltstack 131 132  setitimer 38 103  getrandom 318 278  poll 7 -  ppoll 271 73  sched_yield 24 124
sched_getaffinity 204 123  getpid 39 172  gettid 186 178  getppid 110 173  exit 60 93  exit_group 231 94
restart_syscall 219 128  kill 62 129  tgkill 234 131  tkill 200 130  open 2 -  openat 257 56  openat2 437 437
creat 85 -  stat 4 -  lstat 6 -  newfstatat 262 79  statx 332 291  access 21 -  faccessat 269 48  faccessat2 439 439
readlink 89 -  readlinkat 267 78  getdents 78 -  getdents64 217 61  getcwd 79 17  ioctl 16 29  fcntl 72 25
getrusage 98 165  socket 41 198  socketpair 53 199  connect 42 203  bind 49 200  listen 50 201  accept 43 202
accept4 288 242  sendto 44 206  recvfrom 45 207  sendmsg 46 211  recvmsg 47 212  sendmmsg 307 269  recvmmsg 299 243
execve 59 221  execveat 322 281  fork 57 -  vfork 58 -  clone 56 220  clone3 435 435  ptrace 101 117
process_vm_readv 310 270  process_vm_writev 311 271  process_madvise 440 440  process_mrelease 448 448
pidfd_open 434 434  pidfd_getfd 438 438  pidfd_send_signal 424 424  kcmp 312 272  mount 165 40  umount2 166 39
pivot_root 155 41  chroot 161 51  move_mount 429 429  open_tree 428 428  fsopen 430 430  fsconfig 431 431
fsmount 432 432  fspick 433 433  mount_setattr 442 442  unshare 272 97  setns 308 268  bpf 321 280
perf_event_open 298 241  userfaultfd 323 282  io_uring_setup 425 425  io_uring_enter 426 426
io_uring_register 427 427  add_key 248 217  request_key 249 218  keyctl 250 219  init_module 175 105
finit_module 313 273  delete_module 176 106  kexec_load 246 104  kexec_file_load 320 294  reboot 169 142
swapon 167 224  swapoff 168 225  shmget 29 194  shmat 30 196  shmctl 31 195  shmdt 67 197  semget 64 190  semop 65 193
semctl 66 191  semtimedop 220 192  msgget 68 186  msgsnd 69 189  msgrcv 70 188  msgctl 71 187  mq_open 240 180
mq_unlink 241 181  setuid 105 146  setgid 106 144  setreuid 113 145  setregid 114 143  setresuid 117 147
setresgid 119 149  setfsuid 122 151  setfsgid 123 152  setgroups 116 159  capset 126 91  personality 135 92
rt_sigqueueinfo 129 138  rt_tgsigqueueinfo 297 240  prctl 157 167  prlimit64 302 261  setrlimit 160 164
seccomp 317 277  landlock_create_ruleset 444 444  landlock_add_rule 445 445  landlock_restrict_self 446 446
memfd_create 319 279  memfd_secret 447 447  unlink 87 -  unlinkat 263 35  rename 82 -  renameat 264 38
renameat2 316 276  mkdir 83 -  mkdirat 258 34  rmdir 84 -  name_to_handle_at 303 264  open_by_handle_at 304 265
quotactl 179 60  acct 163 89  settimeofday 164 170  clock_settime 227 112  adjtimex 159 171  clock_adjtime 305 266
sethostname 170 161  setdomainname 171 162  syslog 103 116  vhangup 153 58  iopl 172 -  ioperm 173 -  modify_ldt 154 -
move_pages 279 239  migrate_pages 256 238  vmsplice 278 75  fanotify_init 300 262  setsid 112 157  setpgid 109 154
sched_setaffinity 203 122  setpriority 141 140  ioprio_set 251 30  uselib 134 -
"""
"""Name, number on x86-64, number on aarch64; a dash where the machine does not have the call."""


@dataclass(frozen=True)
class Machine:
    """What a filter must know of a processor."""

    name: str
    audit: int
    """AUDIT_ARCH_*: how the kernel tells a filter which table a call's number belongs to."""
    numbers: dict[str, int]
    has_x32: bool = False
    """Whether a second table is reached by a bit in the number."""


def _numbers(column: int) -> dict[str, int]:
    words = _TABLE.split()
    return {words[i]: int(words[i + column]) for i in range(0, len(words), 3) if words[i + column] != "-"}


X86_64 = Machine("x86_64", 0xC000003E, _numbers(1), has_x32=True)
AARCH64 = Machine("aarch64", 0xC00000B7, _numbers(2))


@functools.cache
def machine() -> Machine:
    """The machine that this runs on.

    Raises:
        OSError: it is not Linux, or a processor whose table is not known here.
    """
    if sys.platform.startswith("linux") and sys.maxsize > 2**32:
        for known in (X86_64, AARCH64):
            if platform.machine() == known.name:
                return known
    raise OSError(errno.ENOSYS, f"no table of system calls for {sys.platform} on {platform.machine()}")


@functools.cache
def _libc() -> ctypes.CDLL:
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    return library


def call(name: str, *arguments: int) -> int:
    """Make a system call; pointers are given as addresses.

    Raises:
        OSError: it fails.
    """
    found = _libc().syscall(ctypes.c_long(machine().numbers[name]), *(ctypes.c_long(value) for value in arguments))
    if found < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(found)
