"""Carrying an import out: under the supervisor's lock, configuration first, then everything else in one transaction."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

from engine.config.addition import append_text
from engine.config.writing import ConfigDocument, load_document
from engine.errors import LeaderTimeoutError, StateError, UsageError
from engine.legacy.database import OldDatabase, load_old_database
from engine.legacy.plan import ImportPlan, build_plan
from engine.legacy.source import OldHome, load_old_home
from engine.locking import Holder, config_lock, supervisor_lock
from engine.paths import Home
from engine.plural import format_count
from engine.snapshots import Desired, Event, EventType, Level
from engine.state.reading import read_imported
from engine.state.store import Store, open_store

WHO = "import"
CONFIG_LOCK_LIMIT_S = 5.0


def plan_import(home: Home, folder: Path, environ: Mapping[str, str], now: float) -> ImportPlan:
    """What importing the llama-orchestrator in `folder` would do; writes nothing.

    Raises:
        ConfigNotFoundError: nothing of llama-orchestrator is there.
        ConfigError: a folder or the present config.toml cannot be read.
        StateError: one of the two databases is damaged, newer than this program, or busy.
        UsageError: the folder is this program's own.
    """
    old, database = _load_old(home, folder)
    document = load_document(home.config_file, environ)
    return build_plan(old, database, document, read_imported(home.state_file), environ, now)


def carry_out_import(home: Home, folder: Path, environ: Mapping[str, str], now: float) -> ImportPlan:
    """Import the llama-orchestrator in `folder`; the plan that was carried out. A second time, it finds nothing to do.

    Raises:
        LeaderTimeoutError: a supervisor leads, or somebody else edits the configuration.
        OSError: config.toml or the state folder cannot be written.
        EngineError: as for `plan_import`.
    """
    old, database = _load_old(home, folder)
    with _leading(home), _editing(home), _storing(home) as store:
        document = load_document(home.config_file, environ)
        plan = build_plan(old, database, document, store.load_imported(), environ, now)
        if plan.has_work:
            _carry_out(plan, document, store, now)
        return plan


def _load_old(home: Home, folder: Path) -> tuple[OldHome, OldDatabase | None]:
    old = load_old_home(folder)
    if old.database is not None and home.state_file.exists() and old.database.samefile(home.state_file):
        # Before it is copied: closing a copy of our own file would drop the locks that SQLite has on it.
        raise UsageError(f"{old.folder}: is this program's own folder; name the folder of llama-orchestrator")
    return old, load_old_database(old.database) if old.database is not None else None


def _carry_out(plan: ImportPlan, document: ConfigDocument, store: Store, now: float) -> None:
    if plan.instances:
        append_text(document, plan.text, plan.tables)
    with store.transaction():
        remembered = store.load_runtime()
        for row in plan.states:
            if row.name not in remembered:
                store.save_runtime(row)
        for instance in plan.instances:
            store.add_desired(instance.name, Desired.STOPPED, WHO, now)
        for event in plan.events:
            store.add_event(event.event, event.origin)
        for one in plan.health:
            store.add_health(one.instance, one.ts, one.health, one.latency_ms, one.message, one.origin)
        store.add_event(_summarise(plan, now))


def _summarise(plan: ImportPlan, now: float) -> Event:
    rows = f"{format_count(len(plan.events), 'event')}, {format_count(len(plan.health), 'health record')}"
    message = f"imported from llama-orchestrator: {len(plan.instances)} new instances, {rows}"
    meta = (("folder", str(plan.folder)), ("instances", tuple(one.name for one in plan.instances)), ("who", WHO))
    return Event(now, None, Level.INFO, EventType.IMPORTED, message, meta)


@contextlib.contextmanager
def _leading(home: Home) -> Iterator[None]:
    """Nobody supervises meanwhile: a leader would not know of what comes."""
    lock = supervisor_lock(home, WHO)
    if not lock.try_acquire():
        holder = lock.find_holder() or Holder()
        raise LeaderTimeoutError(
            f"nothing can be imported while {holder.describe()}, leads; close it, the models run on, then import again",
            holder=holder.pid,
            since=holder.since,
        )
    try:
        yield
    finally:
        lock.release()


def _editing(home: Home) -> contextlib.AbstractContextManager[None]:
    return config_lock(home, WHO).holding(CONFIG_LOCK_LIMIT_S)


@contextlib.contextmanager
def _storing(home: Home) -> Iterator[Store]:
    try:
        store = open_store(home.state_file)
        if store is None:
            raise StateError(f"{home.state_file}: cannot be made")
        with contextlib.closing(store):
            yield store
    except sqlite3.Error as error:
        raise StateError(f"{home.state_file}: cannot be written: {error}; mend that, then import again") from error
