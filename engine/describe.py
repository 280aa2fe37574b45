"""All there is to say about one instance, gathered for the describe screen and command alike."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from engine.config.binary import find_binary
from engine.config.command import build_command
from engine.config.file import LoadedConfig, load_config
from engine.config.redact import redact_argv, redact_env
from engine.config.schema import Config, InstanceConfig
from engine.errors import EngineError, NoSuchInstanceError
from engine.loads import LlamaLoad
from engine.logs.reader import read_tail
from engine.paths import Home
from engine.snapshots import DescribeSection, Description, EventQuery, InstanceSnapshot, Snapshot, Stream
from engine.state.events import get_recent_events
from engine.state.reading import read_stored_health
from engine.supervision.crash_reports import find_newest_report
from engine.times import format_time

SHOWN_EVENTS = 10
SHOWN_HEALTH = 10
SHOWN_LOG_LINES = 20
ROUNDED = 1


def describe_instance(home: Home, name: str, snapshot: Snapshot, environ: Mapping[str, str]) -> Description:
    """Gather the description of one instance from its snapshot, the file, the database and the log.

    Raises:
        NoSuchInstanceError: neither the snapshot nor the file knows the name.
        StateError: the database cannot be read.
    """
    loaded = load_config(home.config_file, environ)
    spec = loaded.config.instances.get(name)
    seen = snapshot.find(name)
    if seen is None and spec is None and name not in loaded.frozen:
        raise NoSuchInstanceError(name)
    seen = seen or InstanceSnapshot(name)
    command = _describe_command(name, spec, loaded.config, seen, environ)
    sections = (
        DescribeSection("Overview", rows=(*_overview(seen), ("crash report", _say(find_newest_report(home, name))))),
        *([DescribeSection("Work", rows=_work(seen.load))] if seen.load is not None else []),
        DescribeSection("Configuration", rows=_configuration(name, spec, loaded)),
        DescribeSection("Health", lines=_health(home, name)),
        DescribeSection("Events", lines=_events(home, name)),
        DescribeSection("Log", lines=_log(home, name)),
    )
    return Description(name, command, sections)


def _overview(seen: InstanceSnapshot) -> tuple[tuple[str, str], ...]:
    rows = [
        ("state", seen.state.value),
        ("why", seen.why),
        ("desired", seen.desired.value),
        ("model", seen.model),
        ("address", f"http://{seen.host}:{seen.port}" if seen.port else "no port"),
        ("pid", _say(seen.pid)),
        ("keeper pid", _say(seen.keeper_pid)),
        ("program", seen.binary or "-"),
        ("version", seen.binary_version or "-"),
        ("started", format_time(seen.started_at) if seen.started_at else "-"),
        ("restarts", str(seen.restarts)),
        ("last exit", _exit(seen)),
        ("last error", seen.last_error or "-"),
        ("tags", ", ".join(seen.tags) or "-"),
    ]
    return tuple(rows)


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


def _describe_command(
    name: str, spec: InstanceConfig | None, config: Config, seen: InstanceSnapshot, environ: Mapping[str, str]
) -> str:
    """The redacted command line that a start would execute now, or why there is none."""
    if spec is None:
        return seen.config_error or "not in the configuration"
    try:
        server = None if spec.command else find_binary(spec.binary or config.server.binary, environ, name)
        port = None if spec.port is None else seen.port or (spec.port if isinstance(spec.port, int) else 0)
        return shlex.join(build_command(name, spec, server, port, environ).redacted)
    except EngineError as error:
        return f"cannot be built: {error}"


def _configuration(name: str, spec: InstanceConfig | None, loaded: LoadedConfig) -> tuple[tuple[str, str], ...]:
    rows = [("file", str(loaded.path))]
    rows += [("problem", text) for text in loaded.frozen.get(name, "").splitlines()]
    if spec is not None:
        values = spec.model_dump(mode="json", exclude={"api_key"})
        values["env"] = redact_env(spec.env)
        values["args"] = redact_argv(spec.args)
        values["command"] = redact_argv(spec.command or ())
        if spec.api_key:
            values["api_key"] = "***"
        rows += [(key, _say(value)) for key, value in _flatten(values) if value not in (None, "", [], (), {})]
    return tuple(rows)


def _flatten(values: Mapping[str, object], prefix: str = "") -> list[tuple[str, object]]:
    flat: list[tuple[str, object]] = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat += _flatten(value, f"{prefix}{key}.")
        else:
            flat.append((prefix + key, value))
    return flat


def _health(home: Home, name: str) -> tuple[str, ...]:
    rows = read_stored_health(home.state_file, name, SHOWN_HEALTH)
    return tuple(
        f"{format_time(ts)}  {health.value}"
        + (f"  {latency:.{ROUNDED}f} ms" if latency is not None else "")
        + (f"  {message}" if message else "")
        for ts, health, latency, message in rows
    )


def _events(home: Home, name: str) -> tuple[str, ...]:
    events = get_recent_events(home.state_file, EventQuery(instance=name, limit=SHOWN_EVENTS))
    return tuple(f"{format_time(event.ts)}  {event.type:<10}  {event.message}" for event in events)


def _log(home: Home, name: str) -> tuple[str, ...]:
    return tuple(line.text for line in read_tail(home.instance_logs(name), SHOWN_LOG_LINES, Stream.BOTH))


def _say(value: object) -> str:
    if value is None:
        return "-"
    return ", ".join(str(one) for one in value) if isinstance(value, list | tuple) else str(value)
