"""The arguments of an old instance: those that the old program made itself, and those that keys of ours own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.config.conflicts import TOKEN_FLAGS
from engine.legacy.draft import Draft
from engine.legacy.places import Place

_MADE: tuple[tuple[str, str, int], ...] = (
    ("model.batch_size", "--batch-size", 512),
    ("server.timeout", "--timeout", 600),
)
"""Old key, the flag it was handed over with, and the old default."""
_SHORT = {"--batch-size": "-b", "--timeout": "-to", "--alias": "-a"}
_OWNED = {
    "--host": "host",
    "--port": "port",
    "-m": "model",
    "--model": "model",
    "--api-key": "api_key",
    "--api-key-file": "api_key_file",
}
"""Flags that a key of ours says, and that may not stand among the arguments."""
_PATHS = ("model", "api_key_file")
_HUB = ("-hf", "-hfr", "--hf-repo")


def move_arguments(draft: Draft, name: str, root: Path, find: Callable[[str], Place]) -> None:
    """Make ``args``; flags that have a key become that key, as the server took the last one that it was given."""
    old = draft.take("args")
    if old is not None and not (isinstance(old, list) and all(isinstance(one, str) for one in old)):
        draft.remark("args", "left out: not a list of texts")
        old = None
    own = _extract(draft, [str(one) for one in old or ()], find)
    args: list[str] = []
    for key, flag, default in _MADE:
        value = draft.take(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            draft.remark(key, f"left out: {value!r} is not a whole number")
            value = None
        if not _has(own, flag):
            args += [flag, str(default if value is None else value)]
    if not _has(own, "--alias"):
        args += ["--alias", name]
    draft.set("args", args + own)
    if relative := next((arg for arg in own if _is_relative(arg, root)), None):
        draft.set("cwd", str(root).replace("$", "$$"))
        draft.remark("cwd", f"{root}, because the argument {relative} is relative to it")


def _is_relative(arg: str, root: Path) -> bool:
    """Whether an argument is a path that meant something in the folder that the old servers ran in."""
    path = arg.partition("=")[2] if arg.startswith("-") else arg
    return bool(path) and not Path(path).is_absolute() and (root / path).is_file()


def _has(args: list[str], flag: str) -> bool:
    return any(arg.partition("=")[0] in (flag, _SHORT[flag]) for arg in args)


def _extract(draft: Draft, args: list[str], find: Callable[[str], Place]) -> list[str]:
    """The arguments without those that a key of ours says."""
    kept: list[str] = []
    rest = iter(args)
    for arg in rest:
        flag, sign, value = arg.partition("=")
        if flag not in _OWNED and flag not in _HUB and flag not in TOKEN_FLAGS:
            kept.append(arg)
            continue
        value = value if sign else next(rest, "")
        if flag in _HUB:
            draft.remark("args", f"{flag} {value} left out: an instance has one model, and this one has model.path")
        elif flag in TOKEN_FLAGS:
            _set_token(draft, flag, value)
        else:
            _set_owned(draft, _OWNED[flag], flag, value, find)
    return kept


def _set_owned(draft: Draft, key: str, flag: str, value: str, find: Callable[[str], Place]) -> None:
    place = find(value) if key in _PATHS and value else Place(value)
    is_number = key == "port" and value.isascii() and value.isdigit()
    draft.set(key, int(value) if is_number else place.path)
    draft.remark("args", f"{flag} became the key {key}{place.doubt and f' ({place.doubt})'}")


def _set_token(draft: Draft, flag: str, value: str) -> None:
    """A secret of an argument becomes a variable; the flag went before the variable."""
    env, variable = draft.table.setdefault("env", {}), TOKEN_FLAGS[flag]
    if isinstance(env, dict):
        env[variable] = value
        draft.remark("args", f"{flag} became env {variable}, which other users of the machine do not see")
    else:
        draft.remark("args", f"{flag} left out: env, where it belongs as {variable}, is no table")
