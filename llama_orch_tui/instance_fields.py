"""The fields of the form for an instance: texts that people type, and the table of the file that they mean."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from engine.editing import KeyFault
from engine.logs.clean import make_visible

SOURCES = ("model", "hf", "command")
_YES_NO = {"yes": True, "true": True, "no": False, "false": False}


class Kind(Enum):
    """How a text is read."""

    TEXT = auto()
    NUMBER = auto()
    """A whole number, or a word where the key takes one."""
    WORDS = auto()
    """A command line, quoted as in a shell."""
    NAMES = auto()
    """Names with commas or blanks between them."""
    FLAG = auto()
    """Yes or no."""


@dataclass(frozen=True, slots=True)
class FormField:
    """One line of the form."""

    key: str
    kind: Kind
    hint: str
    """Shown while the line is empty."""


_SOURCE_FIELDS = {
    "model": FormField("model", Kind.TEXT, "the GGUF file"),
    "hf": FormField("hf", Kind.TEXT, "owner/repo:quant, which llama-server downloads"),
    "command": FormField("command", Kind.WORDS, "another server's command line"),
}
_REST = (
    FormField("port", Kind.NUMBER, "auto"),
    FormField("ctx_size", Kind.NUMBER, "tokens; the server's own choice"),
    FormField("parallel", Kind.NUMBER, "requests at once; the server's own choice"),
    FormField("gpu_layers", Kind.NUMBER, "a number, auto or all; the server's own choice"),
    FormField("threads", Kind.NUMBER, "the server's own choice"),
    FormField("args", Kind.WORDS, "further arguments, as in --flash-attn on"),
    FormField("tags", Kind.NAMES, "words to address several with"),
    FormField("autostart", Kind.FLAG, "no"),
)
NAME = FormField("name", Kind.TEXT, "how it is called")


def fields_for(table: Mapping[str, object]) -> tuple[FormField, ...]:
    """The lines of the form for this table."""
    source = next((key for key in SOURCES if key in table), SOURCES[0])
    return (NAME, _SOURCE_FIELDS[source], *_REST)


def write_texts(name: str, table: Mapping[str, object], fields: tuple[FormField, ...]) -> dict[str, str]:
    """What stands in each line at first; a line draws what it holds, so what a terminal would obey is a sign there."""
    return {one.key: name if one is NAME else _write(one.kind, table.get(one.key)) for one in fields}


def read_texts(
    texts: Mapping[str, str], base: Mapping[str, object], fields: tuple[FormField, ...]
) -> tuple[dict[str, object], tuple[KeyFault, ...]]:
    """The table that the lines mean, over the keys of `base` that have no line; and what cannot be read at all.

    An empty line leaves its key out.
    """
    faults: list[KeyFault] = []
    own: dict[str, object] = {}
    for one in fields:
        text = texts.get(one.key, "").strip()
        if one is NAME or not text:
            continue
        try:
            own[one.key] = _read(one.kind, text, base.get(one.key))
        except ValueError as error:
            faults.append(KeyFault(one.key, str(error).lower(), "close the quotes"))
            own[one.key] = [text]
    keys = {one.key for one in fields}
    return {**own, **{key: value for key, value in base.items() if key not in keys}}, tuple(faults)


def _write(kind: Kind, value: object) -> str:
    return make_visible(_as_typed(kind, value))


def _as_typed(kind: Kind, value: object) -> str:
    match kind, value:
        case _, None:
            return ""
        case Kind.WORDS, list():
            return shlex.join(map(str, value))
        case Kind.NAMES, list():
            return ", ".join(map(str, value))
        case _, bool():
            return "yes" if value else "no"
        case _:
            return str(value)


def _read(kind: Kind, text: str, old: object) -> object:
    """The value that a text means; what it cannot be stays a text, for the schema to refuse by name.

    Raises:
        ValueError: a quote is not closed.
    """
    if _write(kind, old) == text:
        return old  # a name with a comma in it, or a number in quotes, is not read anew
    match kind:
        case Kind.NUMBER if text.lstrip("-").isdecimal() and text.isascii():
            return int(text) if len(text) <= 18 else text
        case Kind.WORDS:
            return shlex.split(text)
        case Kind.NAMES:
            return [word for word in text.replace(",", " ").split() if word]
        case Kind.FLAG:
            return _YES_NO.get(text.lower(), text)
        case _:
            return text
