"""Taking an instance out of config.toml: its tables and the comment right above them, and no other line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

import tomlkit
from tomlkit.exceptions import TOMLKitError

from engine.config.lines import find_headers
from engine.config.writing import ConfigDocument, parse_data
from engine.errors import ConfigError


def cut_instance(document: ConfigDocument, name: str) -> bytes:
    """The file's bytes without the instance's tables.

    Raises:
        ConfigError: they cannot be taken out without touching something else.
        KeyError: the file has no such instance.
    """
    wanted = _without(document.raw, name)
    for data in _candidates(document, name):
        if _says(data) == wanted:
            return data
    raise ConfigError(f"{document.path}: [instances.{name}] cannot be taken out by itself; remove it in an editor")


def _without(raw: Mapping[str, object], name: str) -> dict[str, object]:
    instances = raw.get("instances")
    if not isinstance(instances, dict) or name not in instances:
        raise KeyError(name)
    rest = {key: value for key, value in instances.items() if key != name}
    left = {key: value for key, value in raw.items() if key != "instances"}
    return {**left, "instances": rest} if rest else left


def _says(data: bytes) -> dict[str, object]:
    """What the bytes say; an empty table of instances is as good as none."""
    try:
        says = parse_data(data)
    except ValueError:
        return {"": "no TOML"}
    return {key: value for key, value in says.items() if key != "instances" or value}


def _candidates(document: ConfigDocument, name: str) -> Iterator[bytes]:
    """Two ways to cut, each to be checked: by whole lines, which keeps every other byte, then key by key."""
    text = (document.data or b"").decode("utf-8-sig")
    mark = b"\xef\xbb\xbf" if (document.data or b"").startswith(b"\xef\xbb\xbf") else b""
    yield mark + _cut_lines(text, name).encode()
    try:
        parsed = tomlkit.parse(text)
        del parsed["instances"][name]
    except (TOMLKitError, KeyError):
        return
    yield mark + tomlkit.dumps(parsed).encode()


def _cut_lines(text: str, name: str) -> str:
    lines = text.split("\n")
    headers = [(line - 1, table) for line, table in find_headers(text)]
    gone: set[int] = set()
    for (start, table), (end, _) in pairwise([*headers, (len(lines), ())]):
        if table[:2] == ("instances", name):
            gone.update(_extent(lines, start, end))
    kept = [line for index, line in enumerate(lines) if index not in gone]
    while gone and len(kept) > 1 and not (kept[-1].strip() or kept[-2].strip()):
        kept.pop()
    return "\n".join(kept)


def _extent(lines: list[str], start: int, end: int) -> range:
    """The lines of a table: the comment right above its header, what it holds, and the blank lines behind.

    A paragraph of comments behind a blank line belongs to nobody, or to the next table, and stays.
    """
    inside = range(start + 1, end)
    content = max((one for one in inside if lines[one].strip() and not _is_comment(lines[one])), default=start)
    stop = _skip(lines, content + 1, end, _is_comment)
    if stop == end < len(lines):
        stop = content + 1  # right above the next header
    while start > 0 and _is_comment(lines[start - 1]):
        start -= 1
    return range(start, _skip(lines, stop, end, _is_blank))


def _skip(lines: list[str], index: int, end: int, is_passed: Callable[[str], bool]) -> int:
    """The first line from `index` on that is not to be passed, or `end`."""
    while index < end and is_passed(lines[index]):
        index += 1
    return index


def _is_blank(line: str) -> bool:
    return not line.strip()


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")
