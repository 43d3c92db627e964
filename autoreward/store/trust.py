"""What the records of a run folder would have this process do in the user's name, and the user's word for it.

Covered: Python that `run.json` or a training's `job.json` names, which going on with the run would import and call (the
Designer, the environment and its interpreter, the trainer and its algorithm, the engine); the endpoint that would be
sent the user's key; the cluster that jobs would be sent to, and what would be asked of SLURM.
Not covered: what is imported was there before, in `sys.path`; a user who gives the word without looking.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from autoreward.config import EngineConfig, LLMConfig, RunConfig
from autoreward.errors import UserError
from autoreward.records import read_yaml
from autoreward.store.folder import RunFolder
from autoreward.store.records import RunRecord
from autoreward.task import PACKS, EnvSpec, Pack

ELSEWHERE = ("config.engine.address", "config.engine.options")
"""What is no Python, and leads jobs to a cluster, or to programs that it runs beside them."""


def named_by_environment(env: EnvSpec) -> dict[str, str]:
    """The Python that making an environment imports, as `{field: module:attribute}`; empty for one that is known.

    With its interpreter, unless that is one which autoreward's own packs name.
    """
    named = {"task.env.id": env.id} if env.robot is None and ":" in env.id else {}
    if env.python is not None and env.python not in _own_interpreters():
        named["task.env.python"] = env.python
    return named


def _own_interpreters() -> set[str | None]:
    return {read_yaml(path, Pack, "pack").env.with_interpreter(path).python for path in PACKS.glob("*.yaml")}


def named_by_run(run: RunRecord) -> dict[str, str]:
    """What going on with a run imports, and whom it shows the key: `{field: module:attribute or URL}`."""
    names = {
        "designer": run.designer,
        "task.trainer.name": run.task.trainer.name,
        "task.trainer.algorithm": run.task.trainer.algorithm,
    }
    code = {field: name for field, name in names.items() if ":" in name} | named_by_environment(run.task.env)
    code |= {f"config.engine.{field}": text for field, text in _places(run.config.engine).items()}
    url = run.config.llm.base_url
    asked = run.designer == "llm" and not run.config.llm.replay and "OPENAI_API_KEY" in os.environ
    if asked and url and url != os.environ.get("OPENAI_BASE_URL"):
        code["config.llm.base_url"] = url
    return code


def _places(engine: EngineConfig) -> dict[str, str]:
    """What of an engine leads to programs or machines that nobody here has chosen."""
    texts = {
        "name": engine.name if ":" in engine.name else None,
        "address": None if engine.address == "auto" else engine.address,
        "options": engine.options,
    }
    return {field: text for field, text in texts.items() if text is not None}


def check_resume(folder: RunFolder, llm: LLMConfig, trust: Collection[str], engine: EngineConfig | None = None) -> None:
    """Ask for the user's word before a run is gone on with.

    Args:
        folder: the run.
        llm: the language model from now on. An endpoint other than the recorded one was named by the user just now.
        trust: what else the user named.
        engine: where trainings run from now on, in the same way; None: where they did.

    Raises:
        UserError: the record names something else.
    """
    run = folder.run()
    engine = engine or run.config.engine
    own = {llm.base_url} - {run.config.llm.base_url}
    own |= set(_places(engine).values()) - set(_places(run.config.engine).values())
    changed = run.model_copy(update={"config": run.config.model_copy(update={"llm": llm, "engine": engine})})
    command = ("autoreward", "resume", str(folder.path))
    require_trust(named_by_run(changed), {*trust, *own}, str(folder.path / "run.json"), command)


def resume_command(folder: Path) -> str:
    """What the user types to go on with a run that this process is at work on, at the user's own word."""
    named = named_by_run(RunFolder(folder).run()) if (folder / "run.json").exists() else {}
    trust = ("--trust", *dict.fromkeys(named.values())) if named else ()
    return shlex.join(["autoreward", "resume", str(folder), *trust])


def check_replay(folder: RunFolder, config: RunConfig, trust: Collection[str]) -> None:
    """Ask for the user's word before the task and the configuration of a recorded run are taken over by another one.

    Args:
        folder: the recorded run.
        config: the new run's. What of it differs from the record was named by the user just now.
        trust: what else the user named.

    Raises:
        UserError: the record names something else.
    """
    run = folder.run()
    task = config.for_task(run.task)  # the record's configuration may say another trainer than its task does
    now = (config.designer, config.trainer.name, config.trainer.algorithm)
    before = (run.designer, run.config.trainer.name, run.config.trainer.algorithm)
    own = {name for name, recorded in zip(now, before, strict=True) if name and name != recorded}
    own |= set(_places(config.engine).values()) - set(_places(run.config.engine).values())
    taken = run.model_copy(update={"task": task, "config": config, "designer": config.designer})
    command = ("autoreward", "run", "--llm.replay", str(folder.path))
    require_trust(named_by_run(taken), {*trust, *own}, str(folder.path / "run.json"), command, repeated=True)


def require_trust(
    named: Mapping[str, str],
    trust: Collection[str | None],
    where: str,
    command: Sequence[str],
    repeated: bool = False,
) -> None:
    """Refuse what a folder's records name and the user has not named too.

    Args:
        named: what they name, by field.
        trust: what the user named.
        where: the record, for the message.
        command: what the user would type to go on, without `--trust`.
        repeated: whether it takes a `--trust` for each name.

    Raises:
        UserError: something is not named; the message says what would happen, and what to type.
    """
    missing = {field: name for field, name in named.items() if name not in trust}
    if not missing:
        return
    url = missing.pop("config.llm.base_url", None)
    elsewhere = [f"{field}: {missing.pop(field)}" for field in ELSEWHERE if field in missing]
    wants = []
    if missing:
        code = "; ".join(f"{field}: {name}" for field, name in missing.items())
        wants.append(f"Python to be imported and run in this process and in workers ({code})")
    if elsewhere:
        wants.append(f"trainings to be done elsewhere ({'; '.join(elsewhere)})")
    if url is not None:
        wants.append(f"prompts and your OPENAI_API_KEY to be sent to {url}")
    names = list(dict.fromkeys(named.values()))
    flags = [word for name in names for word in ("--trust", name)] if repeated else ["--trust", *names]
    typed = shlex.join([*command, *flags])
    raise UserError(
        f"{where} wants {' and '.join(wants)}. If the run is your own, or you have looked at it and trust it, "
        f"type: {typed}"
    )
