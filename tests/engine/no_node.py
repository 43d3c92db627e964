"""SLURM's programs for tests, without a SLURM: they take jobs, of which none ever runs and none ever ends."""

from __future__ import annotations

import os
from pathlib import Path

PROGRAMS = {
    "sbatch": 'number=$(($(ls | wc -l) + 1)); cp "$1" $number; echo "Submitted batch job $number"',
    "squeue": """for job in *; do echo "$job|RUNNING|$(sed -n "s/^#SBATCH --comment='\\(.*\\)'/\\1/p" "$job")"; done""",
    "scancel": "exit 0",
    "srun": "exit 1",
}


class NoNode:
    """Its jobs are the scripts that were submitted, numbered from 1; `PATH` is in `variables`."""

    def __init__(self, folder: Path, *partitions: str) -> None:
        """Make the programs; `partitions` as `sinfo` tells them: name, limit, and name again, with a star if usual."""
        self._jobs = folder / "jobs"
        self._jobs.mkdir()
        programs = PROGRAMS | {"sinfo": "\n".join(f"echo '{partition}'" for partition in partitions)}
        for name, text in programs.items():
            program = folder / "bin" / name
            program.parent.mkdir(exist_ok=True)
            program.write_text(f"#!/bin/sh\ncd '{self._jobs}' || exit 1\n{text}\n")
            program.chmod(0o755)
        self.variables = {"PATH": os.pathsep.join((str(folder / "bin"), os.environ["PATH"]))}

    def scripts(self) -> list[str]:
        """What was submitted."""
        return [path.read_text() for path in sorted(self._jobs.iterdir(), key=lambda path: int(path.name))]
