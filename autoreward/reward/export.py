"""Export of a designed reward as a folder that Python can import."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import autoreward
from autoreward.errors import UserError
from autoreward.language.program import Program
from autoreward.language.static import check
from autoreward.records import write_bytes, write_record
from autoreward.reward.package import MANIFEST, REWARD, Manifest, fingerprint
from autoreward.schema import EnvSchema
from autoreward.task import Task

_INIT = '''"""A reward function designed by autoreward: `wrap(env)` puts it into an environment. See README.md."""

from pathlib import Path

from autoreward.reward.reward import Reward
from autoreward.reward.package import load_environment, load_package
from autoreward.reward.wrapper import DesignedReward

_HERE = Path(__file__).parent


def load(trusted: bool = False, isolation: str = "B") -> Reward:
    """The reward, to be scored in a cell of that isolation level at least; with `trusted=True` in this process."""
    return load_package(_HERE, trusted, isolation)


def environment():
    """The environment that the reward was designed for, with the task's step limit."""
    return load_environment(_HERE)


def wrap(env, trusted: bool = False, isolation: str = "B") -> DesignedReward:
    """A Gymnasium environment with the designed reward in place of its own."""
    return DesignedReward(env, load(trusted, isolation))
'''


def export_package(
    destination: Path, *, name: str, source: str, task: Task, schema: EnvSchema, evidence: dict[str, Any]
) -> Path:
    """Write a reward as an importable package.

    Args:
        destination: the package's folder; its last part is what `import` says.
        name: what the package calls itself.
        source: the reward program.
        task: what it was designed for; gives the grammar too.
        schema: of the environment.
        evidence: what was measured, as JSON values.

    Returns:
        The folder, holding `reward.py`, `__init__.py`, `manifest.json` and `README.md`.

    Raises:
        RewardRefused: the program breaks a rule.
        UserError: the folder cannot be imported, holds something else, or cannot be written.
    """
    program = check(source, schema.names, task.grammar)
    if not destination.name.isidentifier():
        raise UserError(f"{destination.name!r} cannot be imported: give the package's folder a name such as my_reward")
    if destination.exists() and not destination.is_dir():
        raise UserError(f"{destination} is a file; give a folder")
    if destination.is_dir() and any(destination.iterdir()) and not (destination / MANIFEST).exists():
        raise UserError(f"{destination} holds something other than a reward package; give a new folder")
    manifest = Manifest(
        name=name,
        autoreward=autoreward.__version__,
        sha256=fingerprint(source),
        grammar=program.grammar,
        idea=program.idea,
        task=task,
        env_schema=schema,
        evidence=evidence,
    )
    try:
        write_bytes(destination / REWARD, source.encode())
        write_bytes(destination / "__init__.py", _INIT.encode())
        write_bytes(destination / "README.md", _readme(destination.name, manifest, program).encode())
        write_record(destination / MANIFEST, manifest)
    except OSError as error:
        raise UserError(f"{destination} cannot be written: {error.strerror}") from None
    return destination


def _readme(folder: str, manifest: Manifest, program: Program) -> str:
    """Text that a language model wrote stands in code blocks, so that it cannot pose as the page's own."""
    spec = manifest.task.env
    arguments = "".join(f", {key}={value!r}" for key, value in spec.kwargs.items())
    make = f'gymnasium.make("{spec.id}"{arguments})' if ":" not in spec.id else "env"
    if spec.robot is not None:  # Gymnasium does not know it
        make = f"{folder}.environment()"
    weights = "\n".join(f"    {term}: {weight:g}" for term, weight in program.weights.items())
    parts = [
        f"# {folder}",
        f"A reward function for `{manifest.env_schema.env_id}`, designed by autoreward {manifest.autoreward} for",
        _block(manifest.task.text),
        "What it rewards, in its own words:" if manifest.idea else "",
        _block(manifest.idea) if manifest.idea else "",
        "Success, on which it was chosen and which it never saw:",
        _block(str(manifest.task.success)),
        "## Use",
        f"    import gymnasium\n    import {folder}\n\n    env = {folder}.wrap({make})",
        "With autoreward installed, from the folder that holds this one. The program runs in a process of its own, "
        'which the kernel has to isolate: `wrap(env, isolation="C")` accepts a machine that cannot, and '
        "`wrap(env, trusted=True)` runs it in yours, which is faster for single steps and protects from nothing.",
        f"Grammar `{program.grammar}`" + (", weights:" if weights else "; it has no weights."),
        weights,
        "## Evidence",
        _evidence(manifest),
        f"`{MANIFEST}` has it all: the task, the schema, the SHA-256 of `{REWARD}`, and what was measured.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _block(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.strip().splitlines())


def _evidence(manifest: Manifest) -> str:
    """A table of the report's rows, where the evidence has some."""
    rows = manifest.evidence.get("rows")
    if not isinstance(rows, list) or not rows:
        return "None was given at export."
    lines = [
        "| reward | success (interquartile mean) | 95% interval | seeds | steps |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        success, interval = row.get("success_iqm"), row.get("success_interval")
        cells = [
            str(row.get("label", row.get("name", ""))).replace("|", "/").replace("\n", " "),
            "failed" if success is None else f"{success:.2f}",
            f"{interval[0]:.2f} to {interval[1]:.2f}" if interval else "too few seeds",
            str(len(row.get("success", ()))),
            f"{row.get('steps', 0):,}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
