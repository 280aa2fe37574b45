"""What an import will do, worked out before anything is done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.config.addition import build_tables
from engine.config.expand import Surroundings
from engine.config.redact import HIDDEN, redact_argv, redact_env
from engine.config.writing import ConfigDocument
from engine.legacy.checking import check_table
from engine.legacy.database import OldDatabase, Row
from engine.legacy.renaming import assign_names
from engine.legacy.rows import (
    ImportedEvent,
    ImportedHealth,
    Losses,
    build_runtime,
    build_state_event,
    parse_events,
    parse_health,
)
from engine.legacy.source import OldConfig, OldHome, Remark
from engine.legacy.translation import translate
from engine.state.store import RuntimeRow

_COMMENT = "from llama-orchestrator: {}"


@dataclass(frozen=True, slots=True)
class PlannedInstance:
    """One table for config.toml."""

    name: str
    origin: str
    """Its old configuration, relative to the old folder."""
    table: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ImportCount:
    """Rows of one kind."""

    fresh: int
    known: int
    """Imported before."""


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What comes over, what is here already, and what does not come."""

    folder: Path
    config_path: Path
    version: int | None
    """The old database's schema; None when there is none."""
    instances: tuple[PlannedInstance, ...]
    """Those that are not in config.toml yet."""
    known: tuple[str, ...]
    """Those that are, and say the same."""
    refused: tuple[Remark, ...]
    """Configurations that give no instance, and why."""
    states: tuple[RuntimeRow, ...]
    events: tuple[ImportedEvent, ...]
    """Those that are not stored yet; likewise the next."""
    health: tuple[ImportedHealth, ...]
    event_count: ImportCount
    health_count: ImportCount
    remarks: tuple[Remark, ...]

    @property
    def has_work(self) -> bool:
        """False when a second import has nothing left to do."""
        return bool(self.instances or self.events or self.health)

    @property
    def tables(self) -> dict[str, object]:
        """The new tables, by name."""
        return {one.name: one.table for one in self.instances}

    @property
    def text(self) -> str:
        """The new tables as they will stand in config.toml."""
        return build_tables({one.name: (_COMMENT.format(one.origin), one.table) for one in self.instances})

    @property
    def shown_text(self) -> str:
        """The same for a screen: secrets are hidden."""
        return build_tables({one.name: (_COMMENT.format(one.origin), _hide(one.table)) for one in self.instances})


def _hide(table: Mapping[str, object]) -> dict[str, object]:
    """The table with what redaction knows to be secret replaced."""
    shown = dict(table)
    env, args = table.get("env"), table.get("args")
    if "api_key" in table:
        shown["api_key"] = HIDDEN
    if isinstance(env, dict):
        shown["env"] = redact_env(env)
    if isinstance(args, list):
        shown["args"] = list(redact_argv(args))
    return shown


def build_plan(
    old: OldHome,
    database: OldDatabase | None,
    document: ConfigDocument,
    stored: frozenset[str],
    environ: Mapping[str, str],
    now: float,
) -> ImportPlan:
    """Work out what to do. `stored` names the rows that were imported before; `now` in seconds since the epoch."""
    unique, twins = _without_twins(old)
    names = assign_names([*(config.name for config in unique), *_names_in(database)])
    instances = _plan_instances(unique, old.folder, names, document, environ)
    configured = {names[config.name] for config in unique}
    losses = (Losses("table events"), Losses("table health_history"))
    events = tuple(parse_events(database.events, names, losses[0])) if database else ()
    health = tuple(parse_health(database.health_history, names, losses[1])) if database else ()
    states = _plan_states(database, names, now)
    fresh_events = tuple(one for one in (*(event for _, event in states), *events) if one.origin not in stored)
    fresh_health = tuple(one for one in health if one.origin not in stored)
    return ImportPlan(
        old.folder,
        document.path,
        database.version if database else None,
        instances.fresh,
        instances.known,
        (*old.unreadable, *twins, *instances.refused),
        tuple(row for row, _ in states if row.name in configured),
        fresh_events,
        fresh_health,
        ImportCount(len(fresh_events), len(events) + len(states) - len(fresh_events)),
        ImportCount(len(fresh_health), len(health) - len(fresh_health)),
        (
            *(Remark(name, f"was called {was}") for was, name in names.items() if was != name),
            *instances.remarks,
            *(remark for one in losses for remark in one.remarks()),
            *_remark_database(database, names, configured),
        ),
    )


def _without_twins(old: OldHome) -> tuple[tuple[OldConfig, ...], tuple[Remark, ...]]:
    """One configuration for each old name: the rows of the database cannot tell two apart."""
    kept: dict[str, OldConfig] = {}
    twins: list[Remark] = []
    for config in old.configs:
        if first := kept.get(config.name):
            subject = str(config.path.relative_to(old.folder))
            other = first.path.relative_to(old.folder)
            twins.append(Remark(subject, f"not imported: {other} has the name {config.name}, too; rename one of them"))
        else:
            kept[config.name] = config
    return tuple(kept.values()), tuple(twins)


def _names_in(database: OldDatabase | None) -> list[str]:
    """Every instance that a row speaks of."""
    if database is None:
        return []
    states = [str(row.get("name")) for row in (*database.instances, *database.runtime)]
    told = [str(row["instance_name"]) for row in database.events if row.get("instance_name") is not None]
    return [*states, *told, *(str(row.get("instance_name")) for row in database.health_history)]


@dataclass(frozen=True, slots=True)
class _Instances:
    fresh: tuple[PlannedInstance, ...]
    known: tuple[str, ...]
    refused: tuple[Remark, ...]
    remarks: tuple[Remark, ...]


def _plan_instances(
    configs: Iterable[OldConfig],
    root: Path,
    names: Mapping[str, str],
    document: ConfigDocument,
    environ: Mapping[str, str],
) -> _Instances:
    around = Surroundings(document.path.absolute().parent, environ)
    inherited = document.raw.get("defaults")
    defaults = inherited if isinstance(inherited, dict) else {}
    present = {name.lower(): (name, table) for name, table in document.instances.items()}
    fresh: list[PlannedInstance] = []
    known: list[str] = []
    refused: list[Remark] = []
    remarks: list[Remark] = []
    for config in configs:
        name, origin = names[config.name], str(config.path.relative_to(root))
        made = translate(config.raw, config.name, config.path.parent, root, environ)
        checked = check_table(name, made.table, defaults, around)
        if checked.refusal:
            refused.append(Remark(origin, f"not imported: {checked.refusal}"))
            continue
        if found := present.get(name.lower()):
            known.append(found[0])
            if found[1] != checked.table:
                remarks.append(Remark(name, f"[instances.{found[0]}] of config.toml stays as it is; {origin} differs"))
            continue
        fresh.append(PlannedInstance(name, origin, checked.table))
        remarks += [Remark(name, words) for words in (*made.remarks, *checked.remarks)]
    return _Instances(tuple(fresh), tuple(known), tuple(refused), tuple(remarks))


def _plan_states(
    database: OldDatabase | None, names: Mapping[str, str], now: float
) -> list[tuple[RuntimeRow, ImportedEvent]]:
    if database is None:
        return []
    states = {str(row.get("name")): row for row in database.instances}
    runtimes = {str(row.get("name")): row for row in database.runtime}
    found: list[tuple[RuntimeRow, ImportedEvent]] = []
    nothing: Row = {}
    for was in dict.fromkeys([*states, *runtimes]):
        state, runtime, name = states.get(was, nothing), runtimes.get(was, nothing), names[was]
        event = build_state_event(name, state, runtime, database.version, now)
        found.append((build_runtime(name, state, runtime), event))
    return found


def _remark_database(
    database: OldDatabase | None, names: Mapping[str, str], configured: set[str]
) -> tuple[Remark, ...]:
    if database is None:
        return (Remark("state.sqlite", "is not there: only configurations are imported"),)
    lone = sorted({names[name] for name in _names_in(database)} - configured)
    return (
        *(Remark(name, "has history, and no configuration: its rows are kept, no instance is made") for name in lone),
        *(
            Remark(f"table {table}", f"{count} rows left out: no version of llama-orchestrator has this table")
            for table, count in database.unknown_tables
        ),
    )
