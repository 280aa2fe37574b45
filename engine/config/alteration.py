"""Changing keys of an instance in config.toml: comments, order and every other line stay."""

from __future__ import annotations

from collections.abc import Mapping

import tomlkit
from tomlkit.container import OutOfOrderTableProxy
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import InlineTable, Table

from engine.config.writing import ConfigDocument, parse_data
from engine.errors import ConfigError

_MARK = b"\xef\xbb\xbf"


def alter_instance(document: ConfigDocument, name: str, table: Mapping[str, object]) -> bytes:
    """The file's bytes with the instance's own table made to say `table`; what is the same already is not touched.

    Raises:
        ConfigError: the table cannot be changed without touching something else.
        KeyError: the file has no such instance.
    """
    before = document.instances[name]
    if not isinstance(before, dict):
        raise KeyError(name)
    wanted = {**document.raw, "instances": {**document.instances, name: dict(table)}}
    data = document.data or b""
    try:
        text = tomlkit.parse(data.decode("utf-8-sig"))
        _change(text["instances"][name], before, table)
        changed = tomlkit.dumps(text)
        if document.newline == "\r\n":
            changed = changed.replace("\r\n", "\n").replace("\n", "\r\n")
        fresh = (_MARK if data.startswith(_MARK) else b"") + changed.encode()
        is_as_wanted = parse_data(fresh) == wanted
    except (TOMLKitError, ValueError, TypeError, KeyError, AttributeError):  # tomlkit stumbles over odd, valid files
        is_as_wanted = False
    if not is_as_wanted:
        raise ConfigError(f"{document.path}: [instances.{name}] cannot be changed by itself; change it in an editor")
    return fresh


def _change(
    item: Table | InlineTable | OutOfOrderTableProxy, before: Mapping[str, object], after: Mapping[str, object]
) -> None:
    for key in before:
        if key not in after:
            del item[key]
    for key, value in after.items():
        old = before.get(key)
        if key in before and old == value and type(old) is type(value):
            continue
        if isinstance(old, dict) and isinstance(value, dict):
            _change(item[key], old, value)
        else:
            item[key] = value
