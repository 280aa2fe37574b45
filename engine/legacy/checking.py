"""A translated table against our own rules: what they refuse is left out and named, or the instance is."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass

from engine.config.document import check_document
from engine.config.expand import Surroundings
from engine.config.schema import HealthcheckConfig, LogsConfig, RestartPolicyConfig

_INHERITED = {"healthcheck": HealthcheckConfig, "restart_policy": RestartPolicyConfig, "logs": LogsConfig}


@dataclass(frozen=True, slots=True)
class CheckedTable:
    """What may stand in config.toml."""

    table: Mapping[str, object]
    remarks: tuple[str, ...]
    refusal: str = ""
    """Why there can be no such instance; empty when there can."""


def check_table(
    name: str, table: Mapping[str, object], defaults: Mapping[str, object], around: Surroundings
) -> CheckedTable:
    """`table` without the keys that are at fault, and without those that say only what holds anyway."""
    kept = copy.deepcopy(dict(table))
    remarks: list[str] = []
    while faults := check_document({"instances": {name: kept}}, around).frozen.get(name, ()):
        for fault in faults:
            keys = fault.path[2:]
            if not keys or fault.is_table or not _remove(kept, keys):
                return CheckedTable({}, (*remarks,), f"{fault.message}; {fault.fix}")
            remarks.append(f"left out: {'.'.join(keys)}: {fault.message}")
    return CheckedTable(_without_defaults(kept, defaults), tuple(remarks))


def _remove(table: dict[str, object], keys: tuple[str, ...]) -> bool:
    """Take the key at `keys` out, or the nearest one above it; False when there is none."""
    key, *below = keys
    inner = table.get(key)
    if below and isinstance(inner, dict) and _remove(inner, tuple(below)):
        return True
    return table.pop(key, None) is not None


def _without_defaults(table: dict[str, object], defaults: Mapping[str, object]) -> dict[str, object]:
    """Fewer lines to read: a value that is the default here, too, is written only where `[defaults]` says another."""
    for key, model in _INHERITED.items():
        own, inherited = table.get(key), defaults.get(key)
        if not isinstance(own, dict):
            continue
        said = inherited if isinstance(inherited, dict) else {}
        ours = model().model_dump(mode="json")
        table[key] = {word: value for word, value in own.items() if word in said or value != ours.get(word)}
    return {key: value for key, value in table.items() if value not in ({}, [])}
