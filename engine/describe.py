"""All there is to say about one instance, gathered for the describe screen and command alike."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from datetime import timedelta

from engine.config.binary import find_binary
from engine.config.command import build_command
from engine.config.file import LoadedConfig, load_config, raise_for_problems
from engine.config.origins import Origin, trace_instance
from engine.config.redact import find_secrets, hide_values
from engine.config.schema import Config, InstanceConfig
from engine.description import DescribeSection, Description, HealthPoint, SettingInForce
from engine.errors import EngineError, NoSuchInstanceError
from engine.loads import LlamaLoad
from engine.logs.reader import read_tail
from engine.paths import Home
from engine.process.records import get_value
from engine.snapshots import EventQuery, InstanceSnapshot, Snapshot, Stream
from engine.state.events import get_recent_events
from engine.state.reading import read_stored_health
from engine.supervision.crash_reports import find_newest_report
from engine.supervision.ends import hide_secrets
from engine.supervision.exit_records import read_run_record
from engine.times import format_time
from engine.topics import Topic

SHOWN_EVENTS = 10
SHOWN_HEALTH = 10
CHARTED_HEALTH = 360
"""Checks for a chart: more than the widest screen has columns."""
SHOWN_LOG_LINES = 20
ROUNDED = 1
MIB = 1 << 20


def describe_instance(home: Home, name: str, snapshot: Snapshot, environ: Mapping[str, str]) -> Description:
    """Gather the description of one instance from its snapshot, the file, the database and the log.

    Raises:
        NoSuchInstanceError: neither the snapshot nor the file knows the name.
        ConfigError: likewise, and the file has problems.
        StateError: the database cannot be read.
    """
    loaded = load_config(home.config_file, environ)
    spec = loaded.config.instances.get(name)
    seen = snapshot.find(name)
    if seen is None and spec is None and name not in loaded.frozen:
        raise_for_problems(loaded)  # in what cannot be read the name may stand
        raise NoSuchInstanceError(name)
    seen = seen or InstanceSnapshot(name)
    built, secrets = _build_command(name, spec, loaded.config, seen, environ)
    executed = get_value(read_run_record(home, name, seen.run_id), "shown") if seen.run_id else ""
    settings, health = _settings(loaded, name), _health(home, name)
    is_changed = executed not in ("", built)
    sections = (
        DescribeSection("State", rows=_state(seen)),
        *([DescribeSection("Runtime", rows=_runtime(home, seen))] if seen.pid is not None else []),
        DescribeSection("Last exit", rows=_last_exit(home, seen)),
        *([DescribeSection("Work", rows=_work(seen.load))] if seen.load is not None else []),
        *(
            [DescribeSection("Dependencies", rows=depends)]
            if (depends := _depends(name, loaded.config, snapshot))
            else []
        ),
        *([DescribeSection("Next start", lines=(built,), topic=Topic.COMMAND)] if is_changed else []),
        DescribeSection("Configuration", rows=_configuration(name, loaded, settings), topic=Topic.CONFIGURATION),
        DescribeSection("Health", lines=_list_health(health[-SHOWN_HEALTH:]), topic=Topic.HEALTH),
        DescribeSection("Events", lines=_events(home, name), topic=Topic.EVENTS),
        DescribeSection("Log", lines=_log(home, name, secrets), topic=Topic.LOG),
    )
    return Description(name, executed or built, sections, settings, health)


def _state(seen: InstanceSnapshot) -> tuple[tuple[str, str], ...]:
    rows = [
        ("state", seen.state.value),
        ("why", seen.why),
        ("desired", seen.desired.value),
        ("model", seen.model),
        ("address", f"http://{seen.host}:{seen.port}" if seen.port else "no port"),
        ("program", seen.binary or "-"),
        ("version", seen.binary_version or "-"),
        ("restarts", str(seen.restarts)),
        ("tags", ", ".join(seen.tags) or "-"),
    ]
    if seen.needs_restart:
        rows.append(("needs a restart", "to take up the changed configuration"))
    return tuple(rows)


def _runtime(home: Home, seen: InstanceSnapshot) -> tuple[tuple[str, str], ...]:
    cpu = "-" if seen.cpu_percent is None else f"{seen.cpu_percent:.0f} % of one core"
    memory = "-" if seen.memory_bytes is None else f"{seen.memory_bytes / MIB:.0f} MiB"
    rows = [
        ("PID", f"{_say(seen.pid)} (keeper {_say(seen.keeper_pid)})"),
        ("started", format_time(seen.started_at) if seen.started_at else "-"),
        ("uptime", "-" if seen.uptime_s is None else str(timedelta(seconds=int(seen.uptime_s)))),
        ("CPU", cpu),
        ("memory", memory),
        ("logs", str(home.instance_logs(seen.name))),
    ]
    if seen.gpu_memory_bytes is not None:
        rows.append(("GPU memory", f"{seen.gpu_memory_bytes / MIB:.0f} MiB"))
    return tuple(rows)


def _last_exit(home: Home, seen: InstanceSnapshot) -> tuple[tuple[str, str], ...]:
    return (
        ("exit", _exit(seen)),
        ("reason", seen.last_error or "-"),
        ("crash report", _say(find_newest_report(home, seen.name))),
    )


def _work(load: LlamaLoad) -> tuple[tuple[str, str], ...]:
    """What its server has to do, while somebody looks."""
    context = None if load.context_used is None else f"{load.context_used} of {load.context_size} tokens (fullest slot)"
    rows = [
        ("tokens/s", _rate(load.tokens_per_s)),
        ("prompt tokens/s", _rate(load.prompt_tokens_per_s)),
        ("busy slots", "-" if load.busy_slots is None else f"{load.busy_slots} of {_say(load.total_slots)}"),
        ("waiting requests", _say(load.deferred)),
        ("context", _say(context)),
    ]
    rows += [("asleep", "yes: the next request wakes it")] if load.is_asleep else []
    rows += [("not told", load.note)] if load.note else []
    return tuple(rows)


def _rate(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.1f}"


def _exit(seen: InstanceSnapshot) -> str:
    if seen.last_exit_signal is not None:
        return f"signal {seen.last_exit_signal}"
    return "-" if seen.last_exit_code is None else f"exit code {seen.last_exit_code}"


def _build_command(
    name: str, spec: InstanceConfig | None, config: Config, seen: InstanceSnapshot, environ: Mapping[str, str]
) -> tuple[str, frozenset[str]]:
    """The redacted command line that a start would execute now, or why there is none; and the secrets to hide."""
    if spec is None:
        return seen.config_error or "not in the configuration", frozenset()
    given = find_secrets((*(spec.command or ()), *spec.args), {**spec.env, "api_key": spec.api_key})
    try:
        server = None if spec.command else find_binary(spec.binary or config.server.binary, environ, name)
        port = None if spec.port is None else seen.port or (spec.port if isinstance(spec.port, int) else 0)
        command = build_command(name, spec, server, port, environ)
    except EngineError as error:
        return f"cannot be built: {error}", given
    return shlex.join(command.redacted), given | find_secrets((), {"api_key": command.api_key})


def _depends(name: str, config: Config, snapshot: Snapshot) -> tuple[tuple[str, str], ...]:
    """What it waits for, and who waits for it, each with its state."""
    spec = config.instances.get(name)
    needed = spec.depends_on if spec is not None else ()
    needing = [other for other, one in config.instances.items() if name in one.depends_on]
    states = {one.name: one.state.value for one in snapshot.instances}
    rows = [("depends on", ", ".join(f"{one} ({states.get(one, 'unknown')})" for one in needed))]
    rows.append(("needed by", ", ".join(f"{one} ({states.get(one, 'unknown')})" for one in needing)))
    return tuple((label, names) for label, names in rows if names)


def _settings(loaded: LoadedConfig, name: str) -> tuple[SettingInForce, ...]:
    return tuple(
        SettingInForce(".".join(one.key), _say(one.value), one.describe_origin(), one.origin is Origin.DEFAULT)
        for one in trace_instance(loaded, name)
        if one.value not in (None, "", [])
    )


def _configuration(
    name: str, loaded: LoadedConfig, settings: tuple[SettingInForce, ...]
) -> tuple[tuple[str, str], ...]:
    """What is in force, each value with where it comes from."""
    rows = [("file", str(loaded.path))]
    rows += [("problem", text) for text in loaded.frozen.get(name, "").splitlines()]
    rows += [(one.key, f"{one.value}  ({one.origin})") for one in settings]
    return tuple(rows)


def _health(home: Home, name: str) -> tuple[HealthPoint, ...]:
    return tuple(HealthPoint(*row) for row in read_stored_health(home.state_file, name, CHARTED_HEALTH))


def _list_health(points: tuple[HealthPoint, ...]) -> tuple[str, ...]:
    return tuple(
        f"{format_time(one.ts)}  {one.health.value}"
        + (f"  {one.latency_ms:.{ROUNDED}f} ms" if one.latency_ms is not None else "")
        + (f"  {one.message}" if one.message else "")
        for one in points
    )


def _events(home: Home, name: str) -> tuple[str, ...]:
    events = get_recent_events(home.state_file, EventQuery(instance=name, limit=SHOWN_EVENTS))
    return tuple(f"{format_time(event.ts)}  {event.type:<10}  {event.message}" for event in events)


def _log(home: Home, name: str, secrets: frozenset[str]) -> tuple[str, ...]:
    """The last lines, without these secrets and what looks like others: those of an earlier configuration, for one."""
    lines = read_tail(home.instance_logs(name), SHOWN_LOG_LINES, Stream.BOTH)
    return tuple(hide_values(hide_secrets(line.text), secrets) for line in lines)


def _say(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()  # as the file writes it
    return ", ".join(str(one) for one in value) if isinstance(value, list | tuple) else str(value)
