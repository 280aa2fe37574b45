"""Changing the configuration file: read, change, put back in one step, unless it was changed meanwhile."""

from __future__ import annotations

import os
import stat
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.config.file import load_config, raise_for_problems
from engine.errors import ConfigError

NEW_FILE_MODE = 0o600


@dataclass(frozen=True, slots=True)
class ConfigDocument:
    """The configuration file as it was read."""

    path: Path
    data: bytes | None = field(repr=False)
    """None when there is no file yet."""
    raw: Mapping[str, object] = field(repr=False)

    @property
    def instances(self) -> Mapping[str, object]:
        """The instances' tables, unchecked."""
        instances = self.raw.get("instances", {})
        return instances if isinstance(instances, dict) else {}

    @property
    def newline(self) -> str:
        """How its lines end."""
        return "\r\n" if b"\r\n" in (self.data or b"") else "\n"


def load_document(path: Path, environ: Mapping[str, str]) -> ConfigDocument:
    """Read config.toml for changing it.

    Raises:
        ConfigError: it is there, and cannot be read or is not TOML.
    """
    loaded = load_config(path, environ)
    if not loaded.readable:
        raise_for_problems(loaded)
    if not loaded.exists:
        return ConfigDocument(path, None, {})
    data = path.read_bytes()
    try:
        return ConfigDocument(path, data, parse_data(data))
    except ValueError as error:
        raise ConfigError(f"{path}: changed while it was read; try again") from error


def parse_data(data: bytes) -> dict[str, object]:
    """The tables of a file's bytes.

    Raises:
        ValueError: they are no TOML in UTF-8.
    """
    return tomllib.loads(data.decode("utf-8-sig"))


def save_document(document: ConfigDocument, data: bytes) -> None:
    """Put `data` in the file's place in one step; a file that was there keeps its mode, a new one is private.

    The caller holds the configuration's lock.

    Raises:
        ConfigError: the file has changed since it was read; it is as it was.
        OSError: it cannot be written.
    """
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


def _read_now(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
