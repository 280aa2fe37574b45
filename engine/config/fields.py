"""The kinds of value that a key of the configuration takes, each with the words that explain it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from engine.habits import Confirm, Notify
from engine.snapshots import OnExit

YEAR_S = 31_536_000
MAX_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Words:
    """How a person is told what a key takes."""

    must_be: str
    """Completes "must be …"."""
    example: str
    """A good value, as TOML."""


class Expand(Enum):
    """Where ``~``, ``$VAR`` and the file's own folder have a meaning."""

    PATH = auto()
    """The whole text is a path."""
    PROGRAM = auto()
    """A path when it has a separator, else a name to look up on PATH."""
    PROGRAM_ARGV = auto()
    """A list whose first item is a program."""
    PATHS = auto()
    """A list of paths."""


class ServerChoice(StrEnum):
    """What `binary` may say instead of a path."""

    AUTO = "auto"
    """llama-server on PATH, else the embedded llama.cpp."""
    EMBEDDED = "embedded"


class HealthType(StrEnum):
    """How a server is asked whether it is well."""

    HTTP = "http"
    TCP = "tcp"
    CUSTOM = "custom"
    NONE = "none"


class RestartMode(StrEnum):
    """Which exits are followed by a restart."""

    ALWAYS = "always"
    ON_FAILURE = "on-failure"
    NEVER = "never"


def _check_listen(value: str) -> str:
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.%]+\]|[0-9A-Za-z._-]+):([0-9]{1,5})", value)
    if value and (match is None or not 1 <= int(match[2]) <= MAX_PORT):
        raise ValueError(value)
    return value


def _choice_words(choices: type[StrEnum]) -> Words:
    *front, last = (f'"{choice.value}"' for choice in choices)
    return Words(f"{', '.join(front)} or {last}", f'"{next(iter(choices)).value}"')


# No text may hold a NUL: neither a path nor an argument can carry one to a program.
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$"), Words("text in quotes", '"…"')]
FilledText = Annotated[str, StringConstraints(pattern=r"^[^\x00]+$"), Words("text in quotes, not empty", '"…"')]
FilePath = Annotated[
    str, StringConstraints(pattern=r"^[^\x00]+$"), Words("a path in quotes", '"~/models/some.gguf"'), Expand.PATH
]
OptionalPath = Annotated[
    str, StringConstraints(pattern=r"^[^\x00]*$"), Words("a path in quotes", '"~/folder/file"'), Expand.PATH
]
Program = Annotated[
    str,
    StringConstraints(pattern=r"^[^\x00]+$"),
    Words('"auto", "embedded", or the path of a program', '"/usr/local/bin/llama-server"'),
    Expand.PROGRAM,
]
ProgramArgv = Annotated[
    tuple[Text, ...],
    Field(min_length=1),
    Words("a list of texts: a program and its arguments", '["my-server", "--port", "{port}"]'),
    Expand.PROGRAM_ARGV,
]
HubModel = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(:[\w.-]+)?$"),
    Words('"owner/repo" or "owner/repo:quant"', '"owner/repo:Q4_K_M"'),
]
Host = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9A-Za-z._:%-]+$"),
    Words("an address or a host name, without port", '"127.0.0.1"'),
]
Port = Annotated[
    Annotated[int, Field(strict=True, ge=1, le=MAX_PORT)] | Literal["auto"],
    Words('a whole number from 1 to 65535, or "auto"', "8081"),
]
ContextSize = Annotated[
    int,
    Field(strict=True, ge=0, le=2**31 - 1),
    Words("a whole number of tokens, 0 (what the model was trained with) or more", "8192"),
]
Slots = Annotated[int, Field(strict=True, ge=1, le=4096), Words("a whole number from 1 to 4096", "4")]
Threads = Annotated[int, Field(strict=True, ge=1, le=4096), Words("a whole number from 1 to 4096", "8")]
GpuLayers = Annotated[
    Annotated[int, Field(strict=True, ge=0, le=1_000_000)] | Literal["auto", "all"],
    Words('a whole number, 0 or more, or "auto", or "all"', '"auto"'),
]
Flag = Annotated[bool, Field(strict=True), Words("true or false, without quotes", "true")]
TextList = Annotated[tuple[Text, ...], Words("a list of texts", '["--flash-attn", "on"]')]
NameList = Annotated[tuple[FilledText, ...], Words("a list of names", '["qwen"]')]
FolderList = Annotated[tuple[FilledText, ...], Words("a list of folders in quotes", '["~/models"]'), Expand.PATHS]
Environment = Annotated[
    dict[Annotated[str, StringConstraints(pattern=r"^[^\x00=]+$")], Text],
    Words("a table of texts", '{ CUDA_VISIBLE_DEVICES = "0" }'),
]
KeyTable = Annotated[dict[str, FilledText], Words("a table of texts", '{ stop = "x" }')]
Seconds = Annotated[
    float,
    Field(strict=True, ge=0, le=YEAR_S, allow_inf_nan=False),
    Words(f"a number of seconds from 0 to {YEAR_S}", "10.0"),
]
PositiveSeconds = Annotated[
    float,
    Field(strict=True, gt=0, le=YEAR_S, allow_inf_nan=False),
    Words(f"a number of seconds above 0, at most {YEAR_S}", "10.0"),
]
Multiplier = Annotated[
    float, Field(strict=True, ge=1, le=1000, allow_inf_nan=False), Words("a number from 1 to 1000", "2.0")
]
Share = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False), Words("a number from 0 to 1", "0.2")]
Megabytes = Annotated[
    float,
    Field(strict=True, gt=0, le=1_000_000, allow_inf_nan=False),
    Words("a number of megabytes above 0, at most 1000000", "10"),
]
Days = Annotated[
    float,
    Field(strict=True, gt=0, le=36_500, allow_inf_nan=False),
    Words("a number of days above 0, at most 36500", "7"),
]
Rows = Annotated[
    int, Field(strict=True, ge=1000, le=100_000_000), Words("a whole number from 1000 to 100000000", "1000000")
]
Backups = Annotated[int, Field(strict=True, ge=0, le=1000), Words("a whole number from 0 to 1000", "3")]
Retries = Annotated[int, Field(strict=True, ge=0, le=1_000_000), Words("a whole number from 0 to 1000000", "5")]
Probes = Annotated[int, Field(strict=True, ge=1, le=1000), Words("a whole number from 1 to 1000", "3")]
HttpStatus = Annotated[int, Field(strict=True, ge=100, le=599), Words("an HTTP status from 100 to 599", "200")]
UrlPath = Annotated[
    str, StringConstraints(pattern=r"^/[!-~]*$"), Words('a path that begins with "/", without spaces', '"/health"')
]
Listen = Annotated[
    str,
    AfterValidator(_check_listen),
    Words('"HOST:PORT", or "" for no exporter', '"127.0.0.1:9797"'),
]
ConfirmWord = Annotated[Confirm, _choice_words(Confirm)]
NotifyWord = Annotated[Notify, _choice_words(Notify)]
OnExitWord = Annotated[OnExit, _choice_words(OnExit)]
HealthTypeWord = Annotated[HealthType, _choice_words(HealthType)]
RestartModeWord = Annotated[RestartMode, _choice_words(RestartMode)]
