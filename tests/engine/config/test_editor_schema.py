"""The JSON Schema says every key with its explanation."""

from __future__ import annotations

import json
from typing import Any

from engine.config import schema
from engine.config.editor_schema import NAME_PATTERN, build_json_schema
from engine.config.names import NAME_RULE, find_name_fault


def test_it_is_json_and_names_its_dialect() -> None:
    made = json.loads(json.dumps(build_json_schema()))
    assert made["$schema"].startswith("https://json-schema.org/")
    assert set(made["properties"]) == set(schema.Config.model_fields)


def test_every_key_of_every_table_is_explained_and_no_other_is_allowed() -> None:
    made: dict[str, Any] = build_json_schema()
    for name, table in made["$defs"].items():
        model = getattr(schema, name)
        if not issubclass(model, schema.Table):
            continue  # an enumeration of words
        assert set(table["properties"]) == set(model.model_fields)
        assert table["additionalProperties"] is False
        assert all(key.get("description") for key in table["properties"].values()), name


def test_it_names_instances_by_the_same_rule() -> None:
    assert "63" in NAME_RULE
    assert find_name_fault("a" * 63) == ""
    assert "{0,62}" in NAME_PATTERN
