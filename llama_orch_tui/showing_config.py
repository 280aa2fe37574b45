"""`config path`, `show`, `validate` and `schema`: the configuration file, and what it comes to."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator

import engine
from engine.plural import format_count
from llama_orch_tui import output

MOST_ALIGNED = 60
"""Remarks behind longer lines stand right behind them."""


def show_config_path() -> int:
    """Print where the configuration lies."""
    output.say(str(engine.find_home(os.environ).config_file))
    return 0


def validate_config() -> int:
    """Say what is wrong with the configuration.

    Raises:
        ConfigError: something is; the message holds every problem.
    """
    from llama_orch_tui.keymap import read_key_map  # noqa: PLC0415 - no other command needs the actions

    loaded = _load()
    _, wrong_keys = read_key_map(loaded.config.keys.items())
    places = ((loaded.lines.get(("keys", one.action), 1), one) for one in wrong_keys)
    engine.raise_for_problems(loaded, [f"{loaded.path}:{line}: {one}" for line, one in places])
    output.say(f"{loaded.path}: {format_count(len(loaded.config.instances), 'instance')}, no problems")
    return 0


def show_schema() -> int:
    """Print the JSON Schema of the file, with the console's actions in `[keys]`."""
    from llama_orch_tui.actions import ACTIONS  # noqa: PLC0415 - see above

    actions = {one.id: f"{one.help}; by default {' '.join(one.keys)}" for one in ACTIONS}
    output.say(json.dumps(engine.build_json_schema(actions), indent=2, ensure_ascii=False))
    return 0


def show_config(*, as_json: bool) -> int:
    """Print what is in force, each value with where it comes from; what is wrong goes to stderr.

    Raises:
        ConfigError: the file cannot be read at all, or there is none.
    """
    loaded = _load()
    if not loaded.readable:
        engine.raise_for_problems(loaded)
    for problem in loaded.problems:
        output.say_error(str(problem))
    tables = {key: found for key, found in engine.trace_tables(loaded).items() if found}
    instances = {name: engine.trace_instance(loaded, name) for name in loaded.config.instances}
    if as_json:
        output.say_json(_to_json(loaded, tables, instances))
        return 0
    output.say(f"# {loaded.path}, as it is in force")
    for key, settings in tables.items():
        _say_lines(_format_table(key.split(".", 1), settings))
    for name, settings in instances.items():
        _say_lines(_format_table(["instances", name], settings))
    for name in loaded.frozen:
        output.say(f"\n# [{_join(['instances', name])}] is not in force: see `config validate`")
    return 0


def _load() -> engine.LoadedConfig:
    """The file, read.

    Raises:
        ConfigNotFoundError: there is none.
    """
    path = engine.find_home(os.environ).config_file
    loaded = engine.load_config(path, os.environ)
    if not loaded.exists:
        raise engine.ConfigNotFoundError(f"{path}: no such file; `add NAME --model FILE` makes a first one")
    return loaded


def _say_lines(lines: Iterable[str]) -> None:
    for line in lines:
        output.say(line)


def _format_table(path: list[str], settings: tuple[engine.Setting, ...]) -> Iterator[str]:
    """One table of the file and the tables below it, as TOML with remarks."""
    groups: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for one in settings:
        if one.value is not None:
            line = f"{_join([one.key[-1]])} = {json.dumps(one.value, ensure_ascii=False)}"
            groups.setdefault(one.key[:-1], []).append((line, one.describe_origin()))
    for below, lines in groups.items():
        yield ""
        yield output.paint(f"[{_join([*path, *below])}]", "1")
        width = max((len(line) for line, _ in lines if len(line) <= MOST_ALIGNED), default=0)
        for line, remark in lines:
            yield f"{line.ljust(width)}  {output.paint(f'# {remark}', '2')}"


def _join(keys: list[str]) -> str:
    """A dotted key as TOML writes it."""
    return ".".join(
        key if key.isascii() and key.replace("-", "").replace("_", "").isalnum() else json.dumps(key) for key in keys
    )


def _to_json(
    loaded: engine.LoadedConfig,
    tables: dict[str, tuple[engine.Setting, ...]],
    instances: dict[str, tuple[engine.Setting, ...]],
) -> dict[str, object]:
    return {
        "path": str(loaded.path),
        "tables": {key: _settings_to_json(settings) for key, settings in tables.items()},
        "instances": {name: _settings_to_json(settings) for name, settings in instances.items()},
        "problems": [str(problem) for problem in loaded.problems],
    }


def _settings_to_json(settings: tuple[engine.Setting, ...]) -> dict[str, object]:
    return {".".join(one.key): {"value": one.value, "origin": one.origin.value, "line": one.line} for one in settings}
