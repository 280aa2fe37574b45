"""What an import adds to config.toml: text behind all that is there, so that no comment and no line of it moves."""

from __future__ import annotations

import os
import stat
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import tomlkit
from tomlkit.items import InlineTable, Table

from engine.config.file import load_config, raise_for_problems
from engine.errors import ConfigError

NEW_FILE_MODE = 0o600


@dataclass(frozen=True, slots=True)
class ConfigDocument:
    """The configuration file as it was read."""

    path: Path
    data: bytes | None
    """None when there is no file yet."""
    raw: Mapping[str, object]

    @property
    def instances(self) -> Mapping[str, object]:
        """The instances' tables, unchecked."""
        instances = self.raw.get("instances", {})
        return instances if isinstance(instances, dict) else {}


def load_document(path: Path, environ: Mapping[str, str]) -> ConfigDocument:
    """Read config.toml for adding to it.

    Raises:
        ConfigError: it is there, and cannot be read or is not TOML.
    """
    loaded = load_config(path, environ)
    if not loaded.readable:
        raise_for_problems(loaded)
    if not loaded.exists:
        return ConfigDocument(path, None, {})
    data = path.read_bytes()
    return ConfigDocument(path, data, _parse(path, data))


def build_tables(tables: Mapping[str, tuple[str, Mapping[str, object]]]) -> str:
    """TOML for instances: for each name a comment and its table. Empty for none."""
    return "\n".join(
        f"# {_one_line(comment)}\n{_build_table(name, table)}" for name, (comment, table) in tables.items()
    )


def append_text(document: ConfigDocument, text: str, tables: Mapping[str, object]) -> None:
    """Put `text`, which says `tables`, behind the file's last line, in one step.

    The caller holds the configuration's lock.

    Raises:
        ConfigError: the file has changed since it was read, or nothing can be added to it; it is as it was.
        OSError: it cannot be written.
    """
    old = document.data or b""
    newline = "\r\n" if b"\r\n" in old else "\n"
    gap = "" if not old.strip() else "\n" if old.endswith(b"\n") else "\n\n"
    data = old + (gap + text).replace("\n", newline).encode()
    _check(document, data, tables)
    target = document.path.resolve()  # a link to a file elsewhere stays a link
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    mode = stat.S_IMODE(target.stat().st_mode) if document.data is not None else NEW_FILE_MODE
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    fresh = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.chmod(mode)
        if _read_now(target) != document.data:
            raise ConfigError(f"{document.path}: has changed since it was read; nothing was written, try again")
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)


def _check(document: ConfigDocument, data: bytes, tables: Mapping[str, object]) -> None:
    """The file must say afterwards what it says now, and the new tables."""
    wanted = {**document.raw, "instances": {**document.instances, **tables}}
    try:
        says = tomllib.loads(data.decode("utf-8-sig"))
    except ValueError:
        says = {}
    if says != wanted:
        raise ConfigError(
            f"{document.path}: nothing can be added behind its last line; write [instances.NAME] as tables of their own"
        )


def _read_now(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _parse(path: Path, data: bytes) -> dict[str, object]:
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except ValueError as error:
        raise ConfigError(f"{path}: changed while it was read; try again") from error


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
