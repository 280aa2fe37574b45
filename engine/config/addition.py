"""What is added to config.toml: text behind all that is there, so that no comment and no line of it moves."""

from __future__ import annotations

from collections.abc import Mapping

import tomlkit
from tomlkit.items import InlineTable, Table

from engine.config.writing import ConfigDocument, parse_data, save_document
from engine.errors import ConfigError


def build_tables(tables: Mapping[str, tuple[str, Mapping[str, object]]]) -> str:
    """TOML for instances: for each name a comment (empty: none) and its table. Empty for no names."""
    return "\n".join(
        (f"# {_one_line(comment)}\n" if comment else "") + _build_table(name, table)
        for name, (comment, table) in tables.items()
    )


def append_text(document: ConfigDocument, text: str, tables: Mapping[str, object]) -> None:
    """Put `text`, which says `tables`, behind the file's last line, in one step.

    The caller holds the configuration's lock.

    Raises:
        ConfigError: the file has changed since it was read, or nothing can be added to it; it is as it was.
        OSError: it cannot be written.
    """
    save_document(document, extend_data(document, text, tables))


def extend_data(document: ConfigDocument, text: str, tables: Mapping[str, object]) -> bytes:
    """The file's bytes with `text`, which says `tables`, behind the last line.

    Raises:
        ConfigError: nothing can be added to this file.
    """
    old = document.data or b""
    gap = "" if not old.strip() else "\n" if old.endswith(b"\n") else "\n\n"
    data = old + (gap + text).replace("\n", document.newline).encode()
    wanted = {**document.raw, "instances": {**document.instances, **tables}}
    try:
        says = parse_data(data)
    except ValueError:
        says = {}
    if says != wanted:
        raise ConfigError(
            f"{document.path}: nothing can be added behind its last line; write [instances.NAME] as tables of their own"
        )
    return data


def _build_table(name: str, table: Mapping[str, object]) -> str:
    parent = tomlkit.table(is_super_table=True)
    parent.add(name, _fill(tomlkit.table(), table))
    document = tomlkit.document()
    document.add("instances", parent)
    return tomlkit.dumps(document)


def _fill(item: Table, table: Mapping[str, object]) -> Table:
    for key, value in table.items():
        if not isinstance(value, dict):
            item.add(key, value)
    for key, value in table.items():
        if isinstance(value, dict):
            item.add(key, _inline(value) if key == "env" else _fill(tomlkit.table(), value))
    return item


def _inline(table: Mapping[str, object]) -> InlineTable:
    item = tomlkit.inline_table()
    for key, value in table.items():
        item.add(key, value)
    return item


def _one_line(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)
