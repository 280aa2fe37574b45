"""The engine: everything that supervises, without a screen.

This module is its one face. Attributes are lazy, because the keeper imports the package without site-packages.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` would cost the keeper half a megabyte
    from engine.config.changes import add_instance, check_removal, remove_instance
    from engine.config.editor_schema import build_json_schema
    from engine.config.file import LoadedConfig, load_config, raise_for_problems
    from engine.config.listing import list_names, list_tags
    from engine.config.origins import Origin, Setting, trace_instance, trace_tables
    from engine.describe import describe_instance
    from engine.doctor import Condition, Finding, examine
    from engine.embedded.location import find_launcher
    from engine.errors import (
        EXIT_CODE_MEANINGS,
        AlreadyRunningError,
        ConfigNotFoundError,
        DaemonError,
        EngineError,
        ExitCode,
        NoSuchInstanceError,
        StartFailedError,
        UnhealthyError,
        UsageError,
    )
    from engine.following import read_leader
    from engine.legacy.carrying import carry_out_import, plan_import
    from engine.legacy.plan import ImportCount, ImportPlan
    from engine.logs.finding import find_log_folder
    from engine.logs.follow import follow, follow_raw
    from engine.logs.reader import LogSelection, iter_lines, iter_raw, read_tail
    from engine.models.tiny_gguf import cached_tiny_model
    from engine.observing import observe
    from engine.paths import HOME_VARIABLE, Home, find_home
    from engine.profiles import Switch, plan_switch
    from engine.protocol import Chat, Engine, LogView
    from engine.session import Session
    from engine.state.event_tail import follow_events
    from engine.state.events import get_recent_events, log_event
    from engine.state.reading import read_stored_health, refuse_newer_database
    from engine.supervision.fleet import find_scope
    from engine.times import format_time, parse_time

_HOMES = {
    "read_stored_health": "engine.state.reading",
    "refuse_newer_database": "engine.state.reading",
    "Chat": "engine.protocol",
    "Finding": "engine.doctor",
    "Condition": "engine.doctor",
    "examine": "engine.doctor",
    "add_instance": "engine.config.changes",
    "check_removal": "engine.config.changes",
    "list_names": "engine.config.listing",
    "list_tags": "engine.config.listing",
    "remove_instance": "engine.config.changes",
    "build_json_schema": "engine.config.editor_schema",
    "Origin": "engine.config.origins",
    "Setting": "engine.config.origins",
    "trace_instance": "engine.config.origins",
    "trace_tables": "engine.config.origins",
    "AlreadyRunningError": "engine.errors",
    "Switch": "engine.profiles",
    "plan_switch": "engine.profiles",
    "DaemonError": "engine.errors",
    "EXIT_CODE_MEANINGS": "engine.errors",
    "Engine": "engine.protocol",
    "EngineError": "engine.errors",
    "ConfigNotFoundError": "engine.errors",
    "UnhealthyError": "engine.errors",
    "StartFailedError": "engine.errors",
    "ExitCode": "engine.errors",
    "HOME_VARIABLE": "engine.paths",
    "Home": "engine.paths",
    "ImportCount": "engine.legacy.plan",
    "ImportPlan": "engine.legacy.plan",
    "LoadedConfig": "engine.config.file",
    "LogSelection": "engine.logs.reader",
    "LogView": "engine.protocol",
    "NoSuchInstanceError": "engine.errors",
    "Session": "engine.session",
    "UsageError": "engine.errors",
    "cached_tiny_model": "engine.models.tiny_gguf",
    "carry_out_import": "engine.legacy.carrying",
    "describe_instance": "engine.describe",
    "find_home": "engine.paths",
    "find_launcher": "engine.embedded.location",
    "find_log_folder": "engine.logs.finding",
    "find_scope": "engine.supervision.fleet",
    "follow": "engine.logs.follow",
    "follow_events": "engine.state.event_tail",
    "follow_raw": "engine.logs.follow",
    "format_time": "engine.times",
    "iter_lines": "engine.logs.reader",
    "iter_raw": "engine.logs.reader",
    "load_config": "engine.config.file",
    "observe": "engine.observing",
    "parse_time": "engine.times",
    "plan_import": "engine.legacy.carrying",
    "raise_for_problems": "engine.config.file",
    "read_leader": "engine.following",
    "get_recent_events": "engine.state.events",
    "log_event": "engine.state.events",
    "read_tail": "engine.logs.reader",
}

__all__ = [
    "EXIT_CODE_MEANINGS",
    "HOME_VARIABLE",
    "AlreadyRunningError",
    "Chat",
    "Condition",
    "ConfigNotFoundError",
    "DaemonError",
    "Engine",
    "EngineError",
    "ExitCode",
    "Finding",
    "Home",
    "ImportCount",
    "ImportPlan",
    "LoadedConfig",
    "LogSelection",
    "LogView",
    "NoSuchInstanceError",
    "Origin",
    "Session",
    "Setting",
    "StartFailedError",
    "Switch",
    "UnhealthyError",
    "UsageError",
    "add_instance",
    "build_json_schema",
    "cached_tiny_model",
    "carry_out_import",
    "check_removal",
    "describe_instance",
    "examine",
    "find_home",
    "find_launcher",
    "find_log_folder",
    "find_scope",
    "follow",
    "follow_events",
    "follow_raw",
    "format_time",
    "get_recent_events",
    "iter_lines",
    "iter_raw",
    "list_names",
    "list_tags",
    "load_config",
    "log_event",
    "observe",
    "parse_time",
    "plan_import",
    "plan_switch",
    "raise_for_problems",
    "read_leader",
    "read_stored_health",
    "read_tail",
    "refuse_newer_database",
    "remove_instance",
    "trace_instance",
    "trace_tables",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        from importlib import import_module  # noqa: PLC0415 - likewise

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
