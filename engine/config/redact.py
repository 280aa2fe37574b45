"""Hiding secrets in command lines and environments before anybody sees or stores them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

HIDDEN = "***"
SHORTEST_SECRET = 6
"""Characters; shorter values are words that stand in many a line."""

_SECRET_WORD = re.compile("key|token|secret|password", re.IGNORECASE)
# Secrets inside one argument: NAME=VALUE anywhere (a shell's script, for one), or a flag and its value with a blank.
# A name is looked at from its beginning alone, and as a whole: an argument may be a file of a megabyte without a blank.
_INLINE = re.compile(r"(?<![\w.-])(?P<name>[\w.-]++)(?P<sign>\s*+=|\s++)")
_WORD = re.compile(r"[^\s;\"']+")
_SHORT_SECRET_FLAGS = frozenset(["-hft"])
"""llama-server's short forms of flags that hold secrets."""


def is_secret_name(name: str) -> bool:
    """Whether a flag or variable of this name holds a secret; one that ends in "file" holds only a path."""
    return bool(_SECRET_WORD.search(name)) and not name.lower().endswith("file")


def redact_argv(argv: Sequence[str]) -> tuple[str, ...]:
    """`argv` with the values of secret flags hidden, as `--flag value`, `--flag=value` and `NAME=value`.

    What follows a secret flag is hidden even when it looks like a flag: a secret may begin with a dash.
    """
    before = ("", *argv)
    return tuple(
        HIDDEN if _is_secret_flag(previous) else _redact_inline(arg)
        for previous, arg in zip(before, argv, strict=False)
    )


def redact_env(env: Mapping[str, str]) -> dict[str, str]:
    """`env` with the values of secret variables hidden."""
    return {name: HIDDEN if is_secret_name(name) else value for name, value in env.items()}


def find_secrets(argv: Sequence[str], env: Mapping[str, str]) -> frozenset[str]:
    """The values that `redact_argv` and `redact_env` hide, to find them in other texts.

    Those that are too short to be told from an ordinary word are left out.
    """
    found = {value for name, value in env.items() if is_secret_name(name)}
    for arg, shown in zip(argv, redact_argv(argv), strict=True):
        if arg != shown:
            rest = arg[len(shown) - len(HIDDEN) :]
            found |= {rest, *_WORD.findall(rest)[:1]}
    return frozenset(value for value in found if len(value) >= SHORTEST_SECRET)


def hide_values(text: str, secrets: Iterable[str]) -> str:
    """`text` with every secret in it hidden."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def _is_secret_flag(arg: str) -> bool:
    if arg in _SHORT_SECRET_FLAGS:
        return True
    return arg.startswith("-") and not re.search(r"[=\s]", arg) and is_secret_name(arg)


def _redact_inline(arg: str) -> str:
    for found in _INLINE.finditer(arg):
        is_given = found["sign"].endswith("=") or found["name"].startswith("-")
        if is_given and is_secret_name(found["name"]):
            return f"{arg[: found.end()]}{HIDDEN}"
    return arg
