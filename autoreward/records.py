"""Typed records: what crosses a boundary (YAML, JSON on disk, another process) is one of these, written atomically."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from autoreward.errors import RunDamaged, UserError, closest

RecordT = TypeVar("RecordT", bound="Record")


class Record(BaseModel):
    """A frozen pydantic model that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def write_bytes(path: Path, data: bytes) -> None:
    """Write to a temporary name and rename, so that a file's presence means that it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_record(path: Path, record: BaseModel) -> None:
    """Write a record as indented JSON, atomically."""
    write_bytes(path, (record.model_dump_json(indent=1) + "\n").encode())


def read_record(path: Path, model: type[RecordT]) -> RecordT:
    """Read a record back.

    Raises:
        RunDamaged: the file is missing, no JSON, or not this record; the message names file and field.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise RunDamaged(f"{path} is missing") from None
    except OSError as error:
        raise RunDamaged(f"{path} does not read as {model.__name__}: {error}") from None
    return parse_record(data, model, path)


def parse_record(data: bytes, model: type[RecordT], path: Path | str) -> RecordT:
    """A record from what its file holds.

    Raises:
        RunDamaged: it is no JSON, or not this record; the message names file and field.
    """
    try:
        return model.model_validate_json(data)
    except (ValidationError, UnicodeDecodeError) as error:
        raise RunDamaged(f"{path} does not read as {model.__name__}: {_first_fault(error)}") from None


def read_yaml(path: Path, model: type[RecordT], what: str, defaults: Mapping[str, Any] | None = None) -> RecordT:
    """Read a YAML file into a record; `defaults` are values that the file may override.

    Raises:
        UserError: the file is missing, no YAML, or has a wrong or unknown field (with the closest name).
    """
    try:
        data = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise UserError(f"{what} {path} does not exist") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{what} {path} cannot be read: {error}") from None
    except yaml.YAMLError as error:
        raise UserError(f"{what} {path} is not valid YAML: {' '.join(str(error).split())}") from None
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise UserError(f"{what} {path} must be a mapping of field: value, not {type(data).__name__}")
    return validate(model, {**(defaults or {}), **data}, f"{what} {path}")


def validate(model: type[RecordT], data: Mapping[str, Any], where: str) -> RecordT:
    """Build a record from plain data; the error names `where`, the field and, for an unknown field, the closest one."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise UserError(f"{where}: {'; '.join(_describe(model, fault) for fault in error.errors()[:5])}") from None


def _describe(model: type[BaseModel], fault: Mapping[str, Any]) -> str:
    path = ".".join(str(part) for part in fault["loc"])
    if fault["type"] != "extra_forbidden":
        return f"{path or 'the file'}: {fault['msg']}"
    parent = _model_at(model, fault["loc"][:-1])
    known = list(parent.model_fields) if parent else []
    near = closest(str(fault["loc"][-1]), known)
    hint = f"did you mean {near[0]!r}?" if near else f"known fields: {', '.join(known)}"
    return f"unknown field {path!r}; {hint}"


def _model_at(model: type[BaseModel], location: tuple[str | int, ...]) -> type[BaseModel] | None:
    """The nested model that a pydantic error location leads to, as far as annotations tell."""
    current: type[BaseModel] | None = model
    for part in location:
        if current is None or isinstance(part, int):
            continue
        field = current.model_fields.get(part)
        current = next((kind for kind in _models_in(field.annotation if field else None)), None)
    return current


def _models_in(annotation: Any) -> list[type[BaseModel]]:  # noqa: ANN401 - an annotation is any object
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for inner in getattr(annotation, "__args__", ()) for found in _models_in(inner)]


def _first_fault(error: Exception) -> str:
    if isinstance(error, ValidationError):
        fault = error.errors()[0]
        return f"{'.'.join(map(str, fault['loc'])) or 'content'}: {fault['msg']}"
    return str(error)
