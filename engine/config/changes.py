"""Adding an instance to the configuration file, and removing one, under its lock."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.config.addition import build_tables, extend_data
from engine.config.command import binding_warning
from engine.config.conflicts import find_conflicts, missing_port
from engine.config.document import check_document
from engine.config.expand import Surroundings
from engine.config.faults import Fault, find_faults, format_keys
from engine.config.names import find_name_fault
from engine.config.removal import cut_instance
from engine.config.schema import InstanceConfig
from engine.config.writing import ConfigDocument, load_document, parse_data, save_document
from engine.editing import Removed
from engine.errors import AlreadyRunningError, ConfigError, InstanceExistsError, NoSuchInstanceError, UsageError
from engine.locking import config_lock
from engine.paths import Home
from engine.process import system
from engine.process.ports import PortBook

LOCK_LIMIT_S = 5.0
WHO = "cli"


@dataclass(frozen=True, slots=True)
class Addition:
    """An instance that was added."""

    path: Path
    """The configuration file."""
    port: int | str | None
    """The one in its table; None for a program without one."""
    warnings: tuple[str, ...]
    """What may keep it from starting, one sentence each."""


def add_instance(home: Home, name: str, table: Mapping[str, object], environ: Mapping[str, str]) -> Addition:
    """Put a new table behind the file's last line; an instance that needs a port and names none gets a free one.

    Raises:
        UsageError: the name or a value is wrong; nothing was written.
        ConfigError: the file is wrong, or has changed since it was read.
        InstanceExistsError: the name is taken, compared without case.
        StartFailedError: there is no free port.
        LeaderTimeoutError: somebody else edits the file.
        OSError: it cannot be written.
    """
    if fault := find_name_fault(name):
        raise UsageError(f"{name}: {fault}")
    _refuse_faults(name, (*find_faults(InstanceConfig, table, ()), *find_own_conflicts(table)))
    with config_lock(home, WHO).holding(LOCK_LIMIT_S):
        document = load_document(home.config_file, environ)
        if taken := next((one for one in document.instances if one.lower() == name.lower()), None):
            raise InstanceExistsError(f"{name}: there is {taken} in {document.path} already; choose another name")
        whole = dict(table) if table.get("port") or not missing_port(table) else _with_port(document, name, table)
        data = extend_data(document, build_tables({name: ("", whole)}), {name: whole})
        spec = _check(document, name, data, environ)
        save_document(document, data)
    return Addition(document.path, spec.port, tuple(find_warnings(document, spec)))


def remove_instance(home: Home, name: str, environ: Mapping[str, str]) -> Path:
    """Take an instance's tables out of the file; the file's path. Raises as `take_out_instance`."""
    return Path(take_out_instance(home, name, environ).path)


def take_out_instance(home: Home, name: str, environ: Mapping[str, str]) -> Removed:
    """Take an instance's tables out of the file. Its logs and events stay.

    Raises:
        ConfigError: the file is wrong, has changed since it was read, or would be wrong without the instance.
        NoSuchInstanceError: the file has no such instance.
        AlreadyRunningError: it runs.
        LeaderTimeoutError: somebody else edits the file.
        OSError: it cannot be written.
    """
    with config_lock(home, WHO).holding(LOCK_LIMIT_S):
        document = _load_with(home, name, environ)
        if system.is_locked(str(home.instance_lock(name))):
            raise AlreadyRunningError(f"{name}: runs; `remove {name} --stop` stops it first")
        data = cut_instance(document, name)
        save_document(document, data)
    return Removed(name, str(document.path), document.data or b"", data)


def check_removal(home: Home, name: str, environ: Mapping[str, str]) -> None:
    """Do nothing when the file can do without the instance.

    Raises:
        ConfigError: the file is wrong, or would be wrong without the instance.
        NoSuchInstanceError: the file has no such instance.
    """
    _load_with(home, name, environ)


def _load_with(home: Home, name: str, environ: Mapping[str, str]) -> ConfigDocument:
    """The file, which has the instance and can do without it."""
    document = load_document(home.config_file, environ)
    if name not in document.instances:
        raise NoSuchInstanceError(name, tuple(difflib.get_close_matches(name, document.instances, 2)))
    if users := list(find_users(document, name)):
        raise ConfigError(f"{name}: {' and '.join(users)} would miss it; take it out there first")
    return document


def find_own_conflicts(table: Mapping[str, object]) -> tuple[Fault, ...]:
    """What contradicts itself in an instance's own table."""
    return tuple(Fault(one.keys, one.message, one.fix) for one in find_conflicts(table))


def _refuse_faults(name: str, faults: tuple[Fault, ...]) -> None:
    if faults:
        lines = (f"{name}: {' '.join((format_keys(one.path), one.message)).strip()}; {one.fix}" for one in faults)
        raise UsageError("\n".join(dict.fromkeys(lines)))


def _with_port(document: ConfigDocument, name: str, table: Mapping[str, object]) -> dict[str, object]:
    """The table with a port that is free now and that no other instance has."""
    fixed = frozenset(port for _, port in fixed_ports(document))
    port = PortBook().reserve(name, str(table.get("host") or "127.0.0.1"), None, None, fixed)
    sources = {key: value for key, value in table.items() if key in ("model", "hf", "command")}
    return {**sources, "port": port, **{key: value for key, value in table.items() if key not in sources}}


def _check(document: ConfigDocument, name: str, data: bytes, environ: Mapping[str, str]) -> InstanceConfig:
    """The instance as the changed file makes it."""
    checked = check_document(parse_data(data), Surroundings(document.path.absolute().parent, environ))
    found = tuple(
        Fault(one.path[2:] if one.path[:2] == ("instances", name) else one.path, one.message, one.fix)
        for one in checked.frozen.get(name, ())
    )
    _refuse_faults(name, found)
    return checked.config.instances[name]


def find_warnings(document: ConfigDocument, spec: InstanceConfig, own_name: str = "") -> Iterator[str]:
    """What may keep a new instance, or the changed one called `own_name`, from running."""
    if spec.model is not None and not Path(spec.model).is_file():
        reason = "is a folder, not a GGUF file" if Path(spec.model).is_dir() else "no such file yet"
        yield f"model {spec.model}: {reason}"
    for other, port in fixed_ports(document):
        if port == spec.port and other != own_name:
            yield f"port {port} is also that of {other}: the two cannot run at the same time"
    if not spec.api_key and not spec.api_key_file and (warning := binding_warning(spec.host)):
        yield warning


def fixed_ports(document: ConfigDocument) -> Iterator[tuple[str, int]]:
    """The instances that name a port, and it."""
    for name, table in document.instances.items():
        port = table.get("port") if isinstance(table, dict) else None
        if isinstance(port, int):
            yield name, port


def find_users(document: ConfigDocument, name: str) -> Iterator[str]:
    """Whatever of the file names the instance."""
    for other, table in document.instances.items():
        if other != name and name in _names(table, "depends_on"):
            yield f"depends_on of {other}"
    profiles = document.raw.get("profiles", {})
    for profile, table in (profiles if isinstance(profiles, dict) else {}).items():
        if name in _names(table, "instances"):
            yield f"profile {profile}"


def _names(table: object, key: str) -> list[object]:
    names = table.get(key) if isinstance(table, dict) else None
    return names if isinstance(names, list) else []
