"""All instances together: which there are, and who needs whom. Owned by the supervisor's thread."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping

from engine.config.faults import format_keys
from engine.config.file import LoadedConfig
from engine.config.schema import Config
from engine.errors import ConfigError, NoSuchInstanceError, NoSuchProfileError
from engine.snapshots import Desired, ProfileSnapshot, State, Status, Target
from engine.supervision.slot import Slot

REMOVED = "its table is no longer in the file; stop it, or bring the table back"


class Fleet:
    """The slots, in the file's order; runs without a table come last."""

    def __init__(self) -> None:
        self.slots: dict[str, Slot] = {}
        self.config = Config()
        self.room: dict[str, tuple[str, ...]] = {}
        """Who waits until which others have ended, because a profile stops these and starts that."""
        self.profiles: tuple[ProfileSnapshot, ...] = ()
        self._dependents: dict[str, tuple[str, ...]] = {}
        """Who needs each directly: asked for at every decision about every instance."""
        self._profile_faults: dict[str, str] = {}
        self._unreadable = ""
        """Why the file cannot be read at all; empty while it can."""

    def __iter__(self) -> Iterator[Slot]:
        return iter(self.slots.values())

    def apply(self, loaded: LoadedConfig) -> list[str]:
        """Take up a configuration; the names whose table changed.

        A table with a fault leaves its instance with the last good one; a file that cannot be read changes nothing
        but what each instance says of it.
        """
        if not loaded.readable:
            reason = str(loaded.problems[0]) if loaded.problems else "the file cannot be read"
            for slot in self:
                slot.config_error = reason
            self._unreadable = reason
            return []
        self._unreadable = ""
        before = self.slots
        changed = []
        self.slots = {}
        for name in _in_order(loaded):
            slot = before[name] if name in before else Slot(name)
            fresh = loaded.config.instances.get(name)
            if fresh is not None and fresh != slot.spec:
                if slot.spec is not None or slot.run is not None:
                    changed.append(name)
                slot.spec = fresh
            slot.config_error = loaded.frozen.get(name, "")
            self.slots[name] = slot
        for name, slot in before.items():
            if name not in self.slots and slot.is_alive:
                slot.config_error = REMOVED
                self.slots[name] = slot
        self._dependents = _invert({slot.name: self.dependencies(slot.name) for slot in self})
        self.config = loaded.config
        self.profiles = tuple(
            ProfileSnapshot(name, profile.instances, tuple(self.with_dependencies(profile.instances)))
            for name, profile in loaded.config.profiles.items()
        )
        self._profile_faults = {problem.key: str(problem) for problem in reversed(loaded.problems)}
        return changed

    def find_profile(self, name: str) -> ProfileSnapshot:
        """The profile of this name.

        Raises:
            NoSuchProfileError: there is none.
            ConfigError: there is one, and it is wrong.
        """
        if found := next((one for one in self.profiles if one.name == name), None):
            return found
        table = f"[{format_keys(('profiles', name))}]"
        if fault := next((text for key, text in self._profile_faults.items() if key.startswith(table)), ""):
            raise ConfigError(fault)
        raise NoSuchProfileError(name, tuple(one.name for one in self.profiles))

    def dependencies(self, name: str) -> tuple[str, ...]:
        """What an instance needs directly."""
        slot = self.slots.get(name)
        return slot.spec.depends_on if slot is not None and slot.spec is not None else ()

    def dependents(self, name: str) -> tuple[str, ...]:
        """Who needs it directly."""
        return self._dependents.get(name, ())

    def with_dependencies(self, names: Iterable[str]) -> list[str]:
        """These and all they need, needed ones first."""
        found: list[str] = []

        def visit(name: str, path: tuple[str, ...]) -> None:
            if name in found or name in path or name not in self.slots:
                return
            for needed in self.dependencies(name):
                visit(needed, (*path, name))
            found.append(name)

        for name in names:
            visit(name, ())
        return found

    def with_dependents(self, names: Iterable[str]) -> list[str]:
        """These and all that need them."""
        found = list(names)
        for name in found:
            found.extend(other for other in self.dependents(name) if other not in found)
        return found

    def unready_dependencies(self, name: str) -> tuple[str, ...]:
        """What it needs and has not got yet."""
        needed = (self.slots.get(other) for other in self.dependencies(name))
        return tuple(slot.name for slot in needed if slot is not None and slot.state is not State.READY)

    def leaving(self, name: str) -> tuple[str, ...]:
        """Who has to end before it starts, because a profile stops them for it."""
        others = (self.slots.get(other) for other in self.room.get(name, ()))
        return tuple(one.name for one in others if one is not None and one.is_alive and one.desired is Desired.STOPPED)

    def held_by(self, name: str) -> tuple[str, ...]:
        """Who may wait for its end."""
        return tuple(other for other, names in self.room.items() if name in names)

    def has_live_dependents(self, name: str) -> bool:
        """True while somebody that needs it still runs."""
        return any(self.slots[other].is_alive for other in self.dependents(name))

    def claimed_ports(self, but: str) -> frozenset[int]:
        """Ports of other instances: those that the file gives them, and for ``auto`` the one of their last run."""
        specs = [(slot.spec, slot.last_port) for slot in self if slot.name != but and slot.spec is not None]
        ports = [spec.port if isinstance(spec.port, int) else last for spec, last in specs if spec.port is not None]
        return frozenset(port for port in ports if port is not None)

    def resolve(self, target: Target) -> list[str]:
        """The names a target means, in the file's order.

        Raises:
            NoSuchInstanceError: a name that nobody has, with names that are close to it.
            ConfigError: a name that nothing is known of while the file, which may hold it, cannot be read.
        """
        for name in target.names:
            if name not in self.slots:
                if self._unreadable:
                    raise ConfigError(f"{name}: nothing is known of it: {self._unreadable}")
                close = difflib.get_close_matches(name, self.slots, 2)
                raise NoSuchInstanceError(name, tuple(close))
        return [slot.name for slot in self if _is_meant(slot, target)]


def find_scope(loaded: LoadedConfig, names: tuple[str, ...]) -> frozenset[str]:
    """The instances that a command about `names` may have to act on: these, what they need, and who needs them."""
    fleet = Fleet()
    fleet.apply(loaded)
    known = [name for name in names if name in fleet.slots]
    return frozenset([*names, *fleet.with_dependencies(known), *fleet.with_dependents(known)])


def _is_meant(slot: Slot, target: Target) -> bool:
    return (
        slot.name in target.names
        or target.everything
        or bool(target.profile)
        or (target.unhealthy and (slot.state is State.UNHEALTHY or slot.status in (Status.FAILED, Status.BACKOFF)))
        or (bool(target.tag) and slot.spec is not None and target.tag in slot.spec.tags)
    )


def _invert(needs: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """By name, who names it."""
    found: dict[str, dict[str, None]] = {}
    for name, needed in needs.items():
        for other in needed:
            found.setdefault(other, {})[name] = None
    return {other: tuple(names) for other, names in found.items()}


def _in_order(loaded: LoadedConfig) -> list[str]:
    """Good and frozen names together, each at its place in the file."""
    written = loaded.given.get("instances")
    names = written if isinstance(written, Mapping) else ()
    return list(dict.fromkeys([*names, *loaded.config.instances, *loaded.frozen]))
