"""The configuration in force, key by key, with where each value comes from; secrets are hidden."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel

from engine.config.conflicts import SECRET_KEYS
from engine.config.file import LoadedConfig
from engine.config.lines import KeyPath
from engine.config.redact import HIDDEN, redact_argv, redact_env
from engine.config.schema import Config, InstanceConfig, SharedConfig

Plain = str | int | float | bool | list[str] | None
"""A value as TOML and JSON write it."""


class Origin(StrEnum):
    """Who says a value."""

    DEFAULT = "default"
    """Nobody: it is the program's own."""
    DEFAULTS = "defaults"
    """`[defaults]`, which the instance inherits."""
    FILE = "file"
    """The table itself."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of a table, as it is in force."""

    key: KeyPath
    """Below its table: ``("healthcheck", "type")``."""
    value: Plain
    """None when it is not set."""
    origin: Origin
    line: int | None
    """Of the file, from 1; None for a default."""

    def describe_origin(self) -> str:
        """For people: ``built-in``, ``[defaults], line 4``, ``line 12``."""
        place = f"line {self.line}" if self.line is not None else ""
        match self.origin:
            case Origin.DEFAULT:
                return "built-in"
            case Origin.DEFAULTS:
                return f"[defaults], {place}" if place else "[defaults]"
            case _:
                return place or "the file"


def trace_instance(loaded: LoadedConfig, name: str) -> tuple[Setting, ...]:
    """Every key of an instance in force, what it runs first, else in the schema's order; none for one that is not."""
    spec = loaded.config.instances.get(name)
    if spec is None:
        return ()
    own = _table(_table(loaded.given, "instances"), name)
    inherited = _table(loaded.given, "defaults")
    if any(own.get(key) for key in SECRET_KEYS):
        inherited = {key: value for key, value in inherited.items() if key not in SECRET_KEYS}
    sources = (
        (Origin.FILE, own, ("instances", name)),
        (Origin.DEFAULTS, inherited, ("defaults",)),
    )
    return tuple(_trace(_plain_instance(spec), sources, loaded.lines))


def trace_tables(loaded: LoadedConfig) -> dict[str, tuple[Setting, ...]]:
    """Every other table of the file by its header (``server``, ``profiles.evening``), in the schema's order."""
    tables: dict[str, tuple[Setting, ...]] = {}
    for key in Config.model_fields:
        if key in _NOT_PLAIN:
            continue
        value = getattr(loaded.config, key)
        given = _table(loaded.given, key)
        plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else dict(value)
        tables[key] = tuple(_trace(plain, ((Origin.FILE, given, (key,)),), loaded.lines))
    for name, profile in loaded.config.profiles.items():
        path = ("profiles", name)
        plain = profile.model_dump(mode="json")
        tables[f"profiles.{name}"] = tuple(_trace(plain, ((Origin.FILE, plain, path),), loaded.lines))
    return tables


_NOT_PLAIN = ("defaults", "instances", "profiles")
"""What stands in each instance, or is a table for each name."""
_Source = tuple[Origin, Mapping[str, object], KeyPath]


def _trace(
    values: Mapping[str, object], sources: tuple[_Source, ...], lines: Mapping[KeyPath, int]
) -> Iterator[Setting]:
    for key, value in _flatten(values):
        origin, line = Origin.DEFAULT, None
        for where, table, path in sources:
            if _holds(table, key):
                origin, line = where, lines.get((*path, *key))
                break
        yield Setting(key, value, origin, line)


def _flatten(values: Mapping[str, object], path: KeyPath = ()) -> Iterator[tuple[KeyPath, Plain]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, (*path, key))
        elif isinstance(value, list | tuple):
            yield (*path, key), [str(one) for one in value]
        elif value is None or isinstance(value, str | int | float):
            yield (*path, key), value


def _holds(table: object, key: KeyPath) -> bool:
    for part in key:
        if not isinstance(table, Mapping) or part not in table:
            return False
        table = table[part]
    return True


def _table(tables: Mapping[str, object], key: str) -> Mapping[str, object]:
    table = tables.get(key)
    return table if isinstance(table, Mapping) else {}


def _plain_instance(spec: InstanceConfig) -> dict[str, object]:
    values = spec.model_dump(mode="json")
    values["env"] = redact_env(spec.env)
    values["args"] = list(redact_argv(spec.args))
    values["command"] = None if spec.command is None else list(redact_argv(spec.command))
    values["api_key"] = HIDDEN if spec.api_key else ""
    values["healthcheck"]["path"] = redact_argv((spec.healthcheck.path,))[0]
    own = [key for key in values if key not in SharedConfig.model_fields]
    return {key: values[key] for key in own} | values  # what it runs, and where, is looked for first
