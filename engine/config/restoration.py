"""Putting an instance back that was taken out of config.toml: its text, comments included, where it was."""

from __future__ import annotations

from collections.abc import Iterator

from engine.config.writing import ConfigDocument, parse_data
from engine.editing import Removed
from engine.errors import ConfigError, InstanceExistsError


def put_back(document: ConfigDocument, removed: Removed) -> bytes:
    """The file's bytes with the instance again.

    What was changed since then stays, as long as the place of the instance can still be told.

    Raises:
        InstanceExistsError: there is an instance of this name again.
        ConfigError: the file has changed so that its place is unknown.
    """
    name = removed.name
    if taken := next((one for one in document.instances if one.lower() == name.lower()), None):
        raise InstanceExistsError(f"{name}: there is {taken} in {document.path} again; remove that one first")
    table = parse_data(removed.before)["instances"][name]  # type: ignore[index]
    instances = {**document.instances, name: table}
    for data in _candidates(document.data or b"", removed):
        try:
            says = parse_data(data)
        except ValueError:
            continue
        if says == {**document.raw, "instances": instances}:
            return data
    raise ConfigError(
        f"{document.path}: has changed since {name} was removed, and its place is not known any more; "
        "write it again with n"
    )


def _candidates(now: bytes, removed: Removed) -> Iterator[bytes]:
    """The file as it was; then its text between what stood before and behind it, when one of the two is unchanged."""
    before, after = removed.before, removed.after
    if now == after:
        yield before
        return
    head = _common(before, after)
    tail = _common(before[::-1], after[::-1][: len(after) - head])
    text = before[head : len(before) - tail]
    if len(before) - len(text) != len(after):
        return  # it was taken out in several pieces
    if now.startswith(after[:head]):
        yield now[:head] + text + now[head:]
    if tail and now.endswith(after[len(after) - tail :]):
        yield now[: len(now) - tail] + text + now[len(now) - tail :]
    if not now.strip():
        yield text


def _common(one: bytes, other: bytes) -> int:
    """How many bytes both begin with."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
