"""`health`: how one instance is, for a person, for a program, and as an exit code for a script."""

from __future__ import annotations

import os

import engine
from engine.snapshots import Health, InstanceSnapshot, State
from llama_orch_tui import output

SHOWN_CHECKS = 30
MARKS = {Health.HEALTHY: "+", Health.UNHEALTHY: "x", Health.LOADING: "~", Health.UNKNOWN: "?"}
"""One character a check, so that the strip reads without colour."""
COLOURS = {Health.HEALTHY: "32", Health.UNHEALTHY: "31", Health.LOADING: "36", Health.UNKNOWN: None}

Check = tuple[float, Health, float | None, str]
"""When, what it said, how long it took (ms), and in words."""


def show_health(name: str, *, as_json: bool) -> int:
    """Print how an instance is: 0 when it is ready, 20 when it is stopped, 22 when it should be ready and is not.

    Raises:
        ConfigError: nothing of this name runs, and the file cannot say whether there is such an instance.
        NoSuchInstanceError: nothing of this name is known.
        StateError: the database cannot be read.
    """
    home = engine.find_home(os.environ)
    snapshot = engine.observe(home, os.environ)
    seen = snapshot.find(name)
    if seen is None:
        engine.raise_for_problems(engine.load_config(home.config_file, os.environ))
        raise engine.NoSuchInstanceError(name)
    checks = engine.read_stored_health(home.state_file, name, SHOWN_CHECKS)
    if as_json:
        output.say_json(health_to_json(seen, checks))
    else:
        for fault in snapshot.faults:
            output.say_error(fault.message)
        _print(seen, checks)
    return int(_judge(seen.state))


def _judge(state: State) -> engine.ExitCode:
    match state:
        case State.READY:
            return engine.ExitCode.OK
        case State.STOPPED:
            return engine.ExitCode.NOT_RUNNING
        case _:
            return engine.ExitCode.UNHEALTHY


def _print(seen: InstanceSnapshot, checks: tuple[Check, ...]) -> None:
    strip = seen.health_strip or tuple(health for _, health, _, _ in checks)
    rows = [
        ("state", seen.state.value),
        ("health", seen.health.value),
        ("why", seen.why or "-"),
        ("last check", _say_check(checks[-1]) if checks else "none yet"),
        ("latency", _say_seconds(_latency_s(seen, checks))),
        ("history", _draw(strip)),
    ]
    if seen.progress is not None:
        rows.append(("loaded", f"{seen.progress:.0%}"))
    if seen.first_token_s is not None:
        rows.append(("first token", _say_seconds(seen.first_token_s)))
    for line in output.align(rows):
        output.say(line)


def _latency_s(seen: InstanceSnapshot, checks: tuple[Check, ...]) -> float | None:
    """How long the newest check took, as the leader saw it, else as it was stored."""
    if seen.probe_s is not None:
        return seen.probe_s
    stored = next((latency for _, _, latency, _ in reversed(checks) if latency is not None), None)
    return None if stored is None else stored / 1000


def _say_check(check: Check) -> str:
    ts, health, _, message = check
    return f"{engine.format_time(ts)} {health.value}" + (f": {message}" if message else "")


def _say_seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.1f} ms"


def _draw(strip: tuple[Health, ...]) -> str:
    """The last checks, oldest first: + healthy, x unhealthy, ~ loading, ? unknown."""
    return "".join(output.paint(MARKS[one], COLOURS[one]) for one in strip) or "none yet"


def health_to_json(seen: InstanceSnapshot, checks: tuple[Check, ...]) -> dict[str, object]:
    """The object of `health --json`."""
    latency_s = _latency_s(seen, checks)
    return {
        "name": seen.name,
        "state": seen.state.value,
        "health": seen.health.value,
        "why": seen.why,
        "latency_ms": None if latency_s is None else round(latency_s * 1000, 3),
        "first_token_ms": None if seen.first_token_s is None else round(seen.first_token_s * 1000, 3),
        "progress": seen.progress,
        "strip": [one.value for one in seen.health_strip],
        "history": [
            {"ts": engine.format_time(ts), "health": health.value, "latency_ms": latency, "message": message}
            for ts, health, latency, message in checks
        ],
    }
