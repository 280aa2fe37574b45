"""What is told and asked when the configuration is changed from a screen: frozen data, standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class FoundModel:
    """A GGUF model on this machine."""

    path: str
    """The file to serve; of a model in several files, the first."""
    source: str
    """Who put it there: ``LM Studio``, ``Ollama`` …, or the folder that the operator named."""
    title: str
    """How people know it: the file's name without its ending, or Ollama's name."""
    size_bytes: int = 0
    """All parts together."""
    parts: int = 1
    architecture: str = ""
    size_label: str = ""
    """How many weights, as in ``4B``."""
    quantisation: str = ""
    context_length: int | None = None
    """Tokens that it was trained with."""
    block_count: int | None = None
    trouble: str = ""
    """Why it cannot be served as it is: damaged, or a part is missing."""


@dataclass(frozen=True, slots=True)
class SearchState:
    """What a search for models has found so far."""

    models: tuple[FoundModel, ...] = ()
    troubles: tuple[str, ...] = ()
    """Folders that could not be looked into, one sentence each."""
    looking_in: str = ""
    """The folder of this moment."""
    is_done: bool = False


@dataclass(frozen=True, slots=True)
class KeyFault:
    """What is wrong with one key of an instance's table."""

    key: str
    """The key of the table; ``name`` for the instance's name, empty for the table as a whole."""
    message: str
    fix: str

    def __str__(self) -> str:
        return f"{self.message}; {self.fix}" if self.fix else self.message


@dataclass(frozen=True, slots=True)
class Proposal:
    """A table to begin with."""

    name: str
    table: Mapping[str, object] = field(repr=False)


@dataclass(frozen=True, slots=True)
class TableCheck:
    """What a table would amount to in the file."""

    faults: tuple[KeyFault, ...] = ()
    warnings: tuple[str, ...] = ()
    """What does not forbid it, and may keep it from running."""
    text: str = ""
    """The TOML that would be written, secrets hidden."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was written into the file."""

    name: str
    path: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Removed:
    """An instance that was taken out of the file, with all that it takes to put it back."""

    name: str
    path: str
    before: bytes = field(repr=False)
    """The file with it; may hold secrets, so it is kept in memory only."""
    after: bytes = field(repr=False)
    """The file without it."""


@dataclass(frozen=True, slots=True)
class FilePlace:
    """Where an editor is to be opened."""

    path: str
    exists: bool
    line: int | None = None
    """The line, from 1, of the instance's table."""


class ModelSearch(Protocol):
    """A search for models. Its own thread does the looking; every method returns at once."""

    def state(self) -> SearchState:
        """What it has found so far (poll it; the same object means that nothing changed)."""
        ...

    def close(self) -> None:
        """End it. Idempotent."""
        ...


class Editor(Protocol):
    """Changes the configuration file, under its lock and with its comments kept. Belongs on a worker thread.

    Every method raises EngineError, with a message that names the file and the fix, when it cannot be done.
    """

    def propose(self, model: FoundModel) -> Proposal:
        """A name, a free port and good values for an instance that serves `model`."""
        ...

    def propose_values(self, model: str) -> Mapping[str, object]:
        """Good values beside ``model`` and ``port`` for the file at this path, written as in the configuration.

        Nothing while it is no readable GGUF file. The file is read: a network folder may take its time.
        """
        ...

    def list_models(self, folder: str) -> tuple[FoundModel, ...]:
        """The models right in a folder, written as in the configuration; none where there is no such folder."""
        ...

    def propose_clone(self, name: str) -> Proposal:
        """What the file says of an instance, under a name and on a port of its own."""
        ...

    def read(self, name: str) -> Proposal:
        """What the file itself says of an instance."""
        ...

    def check(self, name: str, table: Mapping[str, object], was: str = "") -> TableCheck:
        """What is wrong with a table, and what it looks like; `was` names the instance that it changes."""
        ...

    def add(self, name: str, table: Mapping[str, object]) -> Written:
        """Put a new instance behind all others; without a file, make one."""
        ...

    def change(self, name: str, table: Mapping[str, object]) -> Written:
        """Make an instance's own table say this."""
        ...

    def find_users(self, name: str) -> tuple[str, ...]:
        """What of the file would miss the instance: it cannot be removed before they let go of it."""
        ...

    def remove(self, name: str) -> Removed:
        """Take an instance that does not run out of the file."""
        ...

    def restore(self, removed: Removed) -> Written:
        """Put it back where it was, every byte."""
        ...

    def locate(self, name: str = "") -> FilePlace:
        """Where an editor is to be opened."""
        ...

    def create(self, text: str) -> FilePlace:
        """Make the file, which is not there yet, with this text."""
        ...

    def find_problems(self) -> tuple[str, ...]:
        """Everything that is wrong in the file: place, key, message and fix."""
        ...
