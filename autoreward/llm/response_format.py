"""A record's form, as an endpoint is told to keep a reply to it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


def response_format(model: type[BaseModel]) -> dict[str, Any]:
    """The `response_format` of a request: a strict JSON schema, in which every field is required and none is added."""
    schema = _strict(model.model_json_schema())
    return {"type": "json_schema", "json_schema": {"name": model.__name__.strip("_"), "schema": schema, "strict": True}}


def _strict(schema: Any) -> Any:  # noqa: ANN401 - a part of a JSON schema
    """Strict schemas know no defaults and no optional fields."""
    if isinstance(schema, list):
        return [_strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _strict(value) for key, value in schema.items() if key not in ("default", "title")}
    if "properties" in schema:
        kept |= {"required": list(schema["properties"]), "additionalProperties": False}
    return kept
