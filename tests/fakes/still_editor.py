"""An editor and a search for models of which the test decides every answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.editing import FilePlace, FoundModel, KeyFault, Proposal, Removed, SearchState, TableCheck, Written
from engine.errors import EngineError

FILE = "/home/ada/.config/llama-orch-tui/config.toml"


@dataclass
class StillSearch:
    """Has found what the test says."""

    published: SearchState = field(default_factory=SearchState)
    is_closed: bool = False

    def state(self) -> SearchState:
        """What the test published last."""
        return self.published

    def close(self) -> None:
        """Noted."""
        self.is_closed = True


@dataclass
class StillEditor:
    """Notes what it is asked for; `error` refuses everything."""

    tables: dict[str, dict[str, object]] = field(default_factory=dict)
    """What the file says."""
    users: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    place: FilePlace = field(default_factory=lambda: FilePlace(FILE, exists=True, line=7))
    faults: dict[str, KeyFault] = field(default_factory=dict)
    """By key: what `check` finds wrong, whatever the value."""
    folders: dict[str, tuple[FoundModel, ...]] = field(default_factory=dict)
    values: dict[str, dict[str, object]] = field(default_factory=dict)
    """By the path that is typed: what is proposed for the file there."""
    warnings: tuple[str, ...] = ()
    error: str = ""
    done: list[tuple[str, str]] = field(default_factory=list)
    """Every change: what, and which instance."""
    checked: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def _refuse(self) -> None:
        if self.error:
            raise EngineError(self.error)

    def propose(self, model: FoundModel) -> Proposal:
        """Named after the file."""
        self._refuse()
        return Proposal(model.title.lower(), {"model": model.path, "port": 8090, "ctx_size": 8192})

    def propose_values(self, model: str) -> Mapping[str, object]:
        """What the test says is in the file."""
        return self.values.get(model, {})

    def list_models(self, folder: str) -> tuple[FoundModel, ...]:
        """What the test says lies there."""
        return self.folders.get(folder, ())

    def propose_clone(self, name: str) -> Proposal:
        """With a 2 behind its name."""
        self._refuse()
        return Proposal(f"{name}-2", {**self.tables[name], "port": 8091})

    def read(self, name: str) -> Proposal:
        """As it is."""
        self._refuse()
        return Proposal(name, self.tables[name])

    def check(self, name: str, table: Mapping[str, object], was: str = "") -> TableCheck:
        """What the test wants to be wrong."""
        self.checked.append((name, dict(table)))
        faults = list(self.faults.values())
        if name in self.tables and name != was:
            faults.append(KeyFault("name", f"there is {name} already", "choose another name"))
        lines = [f"[instances.{name}]", *(f"{key} = {value!r}" for key, value in table.items())]
        return TableCheck(tuple(faults), self.warnings, "\n".join(lines))

    def add(self, name: str, table: Mapping[str, object]) -> Written:
        """Noted."""
        self._refuse()
        self.tables[name] = dict(table)
        self.done.append(("add", name))
        return Written(name, FILE, self.warnings)

    def change(self, name: str, table: Mapping[str, object]) -> Written:
        """Noted."""
        self._refuse()
        self.tables[name] = dict(table)
        self.done.append(("change", name))
        return Written(name, FILE)

    def find_users(self, name: str) -> tuple[str, ...]:
        """What the test says."""
        del name
        self._refuse()
        return self.users

    def remove(self, name: str) -> Removed:
        """Noted."""
        self._refuse()
        self.done.append(("remove", name))
        return Removed(name, FILE, b"with", b"without")

    def restore(self, removed: Removed) -> Written:
        """Noted."""
        self._refuse()
        self.done.append(("restore", removed.name))
        return Written(removed.name, FILE)

    def locate(self, name: str = "") -> FilePlace:
        """What the test says."""
        del name
        return self.place

    def create(self, text: str) -> FilePlace:
        """Noted."""
        self._refuse()
        self.done.append(("create", text))
        self.place = FilePlace(FILE, exists=True)
        return self.place

    def find_problems(self) -> tuple[str, ...]:
        """What the test says."""
        return self.problems
