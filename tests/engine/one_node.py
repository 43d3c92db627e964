"""A SLURM of one node for tests: Debian's programs, in a folder, without systemd, control groups or a database."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch")
PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
CONF = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
SlurmctldPort={controller}
SlurmdPort={node}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1
JobRequeue=1
KillWait=5
MinJobAge=300
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=4000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=short Nodes=ALL MaxTime=1:00:00 State=UP
"""


def missing() -> list[str]:
    """What this machine has not."""
    programs = [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]
    return programs if os.geteuid() == 0 else [*programs, "the rights of root"]


class OneNode:
    """The daemons; `SLURM_CONF` and the folder of `sbatch` are in `variables`."""

    def __init__(self, folder: Path, cpus: int = 2) -> None:
        """Start them, and wait until the node is idle."""
        self._folder, self._started = folder, list[subprocess.Popen[bytes]]()
        (folder / "state").mkdir()
        (folder / "spool").mkdir()
        key = folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(1024))
        values = {"folder": folder, "host": socket.gethostname().split(".")[0], "cpus": cpus}
        conf = folder / "slurm.conf"
        conf.write_text(CONF.format(**values, controller=_free_port(), node=_free_port()))
        self.variables = {"SLURM_CONF": str(conf), "PATH": PATH}
        parts = {"key-file": key, "socket": folder / "munge.socket", "pid-file": folder / "munged.pid"}
        parts |= {"log-file": folder / "munged.log", "seed-file": folder / "munged.seed"}
        self._start("munged", "--foreground", "--force", *(f"--{name}={path}" for name, path in parts.items()))
        _until(lambda: (folder / "munge.socket").exists(), "munged has not begun")
        self._start("slurmctld", "-D", "-f", str(conf))
        self._start("slurmd", "-D", "-f", str(conf))
        _until(lambda: "idle" in self.ask("sinfo", "--noheader", "--format=%T"), "the node is not idle")

    def ask(self, *command: str) -> str:
        """What one of SLURM's programs says."""
        asked = subprocess.run(command, env=os.environ | self.variables, capture_output=True, text=True, check=False)
        return asked.stdout

    def end_all(self) -> None:
        """End all jobs."""
        self.ask("scancel", "--user=root")
        _until(lambda: not self.ask("squeue", "--noheader"), "jobs do not end")

    def stop(self) -> None:
        """End the daemons."""
        for process in reversed(self._started):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, *command: str) -> None:
        with (self._folder / f"{command[0]}.out").open("wb") as out:
            self._started.append(
                subprocess.Popen(command, env=os.environ | self.variables, stdout=out, stderr=out, cwd="/")
            )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _until(there: Callable[[], bool], otherwise: str, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end, otherwise
        time.sleep(0.2)
