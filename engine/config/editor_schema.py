"""The configuration's JSON Schema, for editors that complete and check config.toml."""

from __future__ import annotations

from collections.abc import Mapping

from engine.config.schema import Config

DIALECT = "https://json-schema.org/draft/2020-12/schema"
NAME_PATTERN = "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"


def build_json_schema(actions: Mapping[str, str] | None = None) -> dict[str, object]:
    """The schema, as JSON writes it: every table, key, default, limit and explanation.

    `actions` are what `[keys]` may name, each with its explanation; without them it may name anything.
    """
    schema = Config.model_json_schema()
    schema["properties"]["instances"]["propertyNames"] = {"pattern": NAME_PATTERN}
    if actions:
        keys = schema["properties"]["keys"]
        entry = keys["additionalProperties"]
        keys["properties"] = {name: {**entry, "description": told} for name, told in actions.items()}
        keys["additionalProperties"] = False
    return {"$schema": DIALECT, **schema, "title": "llama-orch-tui: config.toml"}
