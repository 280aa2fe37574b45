"""Meets `engine.editing.Editor`: what screens ask when they change the configuration file."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from engine.config.addition import build_tables, extend_data
from engine.config.alteration import alter_instance
from engine.config.changes import (
    LOCK_LIMIT_S,
    add_instance,
    find_own_conflicts,
    find_users,
    find_warnings,
    fixed_ports,
    take_out_instance,
)
from engine.config.document import Checked, check_document
from engine.config.expand import ExpansionError, Surroundings, expand_path
from engine.config.faults import Fault, find_faults
from engine.config.file import load_config
from engine.config.names import find_name_fault
from engine.config.redact import HIDDEN, is_secret_name, redact_env
from engine.config.restoration import put_back
from engine.config.schema import InstanceConfig
from engine.config.writing import ConfigDocument, load_document, parse_data, save_document
from engine.editing import FilePlace, FoundModel, KeyFault, Proposal, Removed, TableCheck, Written
from engine.errors import ConfigError, EngineError, NoSuchInstanceError, StartFailedError, UsageError
from engine.locking import config_lock
from engine.models.discover import list_models, look_at
from engine.models.proposal import propose_name, propose_table, propose_values
from engine.paths import Home, user_home
from engine.process.ports import PortBook, is_port_free

WHO = "dashboard"


class ConfigEditor:
    """Edits one home's file. Without state: what it is asked for is read and done then and there."""

    def __init__(self, home: Home, environ: Mapping[str, str], on_written: Callable[[], None] = lambda: None) -> None:
        """`on_written` is called after each change, to have it taken up at once."""
        self._home = home
        self._environ = environ
        self._on_written = on_written

    def propose(self, model: FoundModel) -> Proposal:
        """A name, a free port and good values for `model`."""
        document = self._load()
        name = propose_name(model.title, document.instances)
        table = propose_table(model, user_home(self._environ), _free_port(document, name))
        return Proposal(name, table)

    def propose_values(self, model: str) -> dict[str, object]:
        """Good values beside ``model`` and ``port`` for what lies at this path; none while it is no readable GGUF."""
        path = self._expand(model)
        found = None if path is None else look_at(path)
        return {} if found is None else propose_values(found)

    def list_models(self, folder: str) -> tuple[FoundModel, ...]:
        """The models right in a folder; none where there is no such folder."""
        path = self._expand(folder)
        return () if path is None else tuple(list_models(path))

    def _expand(self, path: str) -> Path | None:
        """A path as the file would mean it; None when it names what is not there."""
        try:
            return Path(expand_path(path, Surroundings(self._home.config_file.parent.absolute(), self._environ)))
        except ExpansionError:
            return None

    def propose_clone(self, name: str) -> Proposal:
        """The same table under another name, on a free port when it has one of its own."""
        document = self._load()
        table = _table_of(document, name)
        fresh = propose_name(name, document.instances)
        if isinstance(table.get("port"), int):
            table["port"] = _free_port(document, fresh)
        return Proposal(fresh, table)

    def read(self, name: str) -> Proposal:
        """What the file itself says of an instance."""
        return Proposal(name, _table_of(self._load(), name))

    def check(self, name: str, table: Mapping[str, object], was: str = "") -> TableCheck:
        """What is wrong with a table, and what would be written."""
        faults = [KeyFault("name", fault, "") for fault in [find_name_fault(name)] if fault]
        faults += map(_as_key_fault, (*find_faults(InstanceConfig, table, ()), *find_own_conflicts(table)))
        text = build_tables({name: ("", _without_secrets(table))})
        try:
            document = self._load()
            taken = next((one for one in document.instances if one.lower() == name.lower() and one != was), None)
            if taken is not None:
                faults.append(KeyFault("name", f"there is {taken} already", "choose another name"))
            if faults:
                return TableCheck(_first_of_each(faults), (), text)
            checked = self._check_whole(document, self._build(document, name, table, was))
        except EngineError as error:
            return TableCheck((KeyFault("", str(error), ""),), (), text)
        found = checked.frozen.get(name, ())
        if found:
            return TableCheck(_first_of_each([_as_key_fault(_inside(one, name)) for one in found]), (), text)
        spec = checked.config.instances[name]
        if spec.model is not None and Path(spec.model).is_dir():
            return TableCheck((KeyFault("model", "is a folder", "name a GGUF file in it"),), (), text)
        warnings = [*find_warnings(document, spec, was), *([] if was else _warn_of_port(spec))]
        return TableCheck((), tuple(warnings), text)

    def add(self, name: str, table: Mapping[str, object]) -> Written:
        """Put a new instance behind all others."""
        with self._writing():
            added = add_instance(self._home, name, table, self._environ)
        return Written(name, str(added.path), added.warnings)

    def change(self, name: str, table: Mapping[str, object]) -> Written:
        """Make an instance's own table say this."""
        with self._writing(), self._locked():
            document = self._load()
            _table_of(document, name)
            data = alter_instance(document, name, table)
            checked = self._check_whole(document, data)
            if faults := checked.frozen.get(name):
                raise UsageError("\n".join(f"{name}: {_as_key_fault(_inside(one, name))}" for one in faults))
            save_document(document, data)
        return Written(name, str(document.path), tuple(find_warnings(document, checked.config.instances[name], name)))

    def find_users(self, name: str) -> tuple[str, ...]:
        """What of the file would miss the instance."""
        document = self._load()
        _table_of(document, name)
        return tuple(find_users(document, name))

    def remove(self, name: str) -> Removed:
        """Take an instance that does not run out of the file."""
        with self._writing():
            return take_out_instance(self._home, name, self._environ)

    def restore(self, removed: Removed) -> Written:
        """Put it back where it was."""
        with self._writing(), self._locked():
            document = self._load()
            save_document(document, put_back(document, removed))
        return Written(removed.name, str(document.path))

    def locate(self, name: str = "") -> FilePlace:
        """Where an editor is to be opened."""
        loaded = load_config(self._home.config_file, self._environ)
        return FilePlace(str(loaded.path), loaded.exists, loaded.lines.get(("instances", name)))

    def create(self, text: str) -> FilePlace:
        """Make the file with this text."""
        with self._writing(), self._locked():
            document = self._load()
            if document.data is not None:
                raise ConfigError(f"{document.path}: is there already; press the key again")
            save_document(document, text.encode())
        return FilePlace(str(document.path), exists=True)

    def find_problems(self) -> tuple[str, ...]:
        """Everything that is wrong in the file."""
        return tuple(map(str, load_config(self._home.config_file, self._environ).problems))

    def _load(self) -> ConfigDocument:
        return load_document(self._home.config_file, self._environ)

    def _build(self, document: ConfigDocument, name: str, table: Mapping[str, object], was: str) -> bytes:
        if was:
            return alter_instance(document, name, table)
        return extend_data(document, build_tables({name: ("", table)}), {name: dict(table)})

    def _check_whole(self, document: ConfigDocument, data: bytes) -> Checked:
        return check_document(parse_data(data), Surroundings(document.path.absolute().parent, self._environ))

    def _locked(self) -> contextlib.AbstractContextManager[object]:
        return config_lock(self._home, WHO).holding(LOCK_LIMIT_S)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Errors of the disk become errors with words; afterwards the change is taken up."""
        try:
            self._home.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)  # the lock lies there
            yield
        except OSError as error:
            path = error.filename or self._home.config_file
            raise EngineError(f"{path}: cannot be written: {(error.strerror or str(error)).lower()}") from error
        self._on_written()


def _table_of(document: ConfigDocument, name: str) -> dict[str, object]:
    table = document.instances.get(name)
    if table is None:
        raise NoSuchInstanceError(name, tuple(difflib.get_close_matches(name, document.instances, 2)))
    if not isinstance(table, dict):
        raise ConfigError(f"{document.path}: [instances.{name}] is no table; mend it in an editor")
    return dict(table)


def _without_secrets(table: Mapping[str, object]) -> dict[str, object]:
    """The table as it may be shown."""
    shown = {key: HIDDEN if is_secret_name(key) and value else value for key, value in table.items()}
    match table.get("env"):
        case dict() as env:
            shown["env"] = redact_env(env)
    return shown


def _free_port(document: ConfigDocument, name: str) -> int | str:
    """A port that is free now and that no other instance has; ``auto`` when there is none."""
    try:
        return PortBook().reserve(name, "127.0.0.1", None, None, frozenset(port for _, port in fixed_ports(document)))
    except StartFailedError:
        return "auto"


def _warn_of_port(spec: InstanceConfig) -> Iterator[str]:
    if isinstance(spec.port, int):
        with contextlib.suppress(OSError):  # a start says it better
            if not is_port_free(spec.host, spec.port):
                yield f"port {spec.port} is in use at this moment"


def _inside(fault: Fault, name: str) -> Fault:
    is_own = fault.path[:2] == ("instances", name)
    return Fault(fault.path[2:] if is_own else fault.path, fault.message, fault.fix)


def _as_key_fault(fault: Fault) -> KeyFault:
    return KeyFault(fault.path[0] if fault.path else "", fault.message, fault.fix)


def _first_of_each(faults: list[KeyFault]) -> tuple[KeyFault, ...]:
    return tuple({fault.key: fault for fault in reversed(faults)}.values())[::-1]
