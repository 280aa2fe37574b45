"""The metrics page in Prometheus' text format: snapshots in, text out. Pure.

Written here rather than by a library: gauges and counters of one snapshot need a page of code, and a registry of
mutable metrics would be a second truth beside the snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from engine.snapshots import Desired, Health, InstanceSnapshot, Snapshot, State

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "llama_orch_"

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class EngineCounts:
    """What the page says of the engine beside the snapshot."""

    events: int = 0
    """Recorded since this leader began."""
    unwritten: int = 0
    """Records that wait for the database."""
    clients: int = 0


@dataclass(slots=True)
class _Family:
    """One metric and its samples."""

    name: str
    kind: str
    help: str
    samples: list[tuple[Labels, float]] = field(default_factory=list)

    def build(self) -> Iterable[str]:
        yield f"# HELP {PREFIX}{self.name} {_escape_help(self.help)}"
        yield f"# TYPE {PREFIX}{self.name} {self.kind}"
        for labels, value in self.samples:
            inside = ",".join(f'{name}="{escape_label(text)}"' for name, text in labels)
            yield f"{PREFIX}{self.name}{'{' + inside + '}' if inside else ''} {format_value(value)}"


_Reader = Callable[[InstanceSnapshot], float | None]
_INSTANCE: tuple[tuple[str, str, str, _Reader], ...] = (
    ("wanted", "gauge", "1 when the operator wants it running.", lambda one: float(one.desired is Desired.RUNNING)),
    ("restarts_total", "counter", "Automatic restarts since the operator's last start.", lambda one: one.restarts),
    (
        "start_time_seconds",
        "gauge",
        "When the present run was executed, in seconds since the epoch.",
        lambda one: one.started_at,
    ),
    (
        "probe_duration_seconds",
        "gauge",
        "How long the last health check took.",
        lambda one: one.probe_s if one.pid is not None else None,
    ),
    (
        "cpu_ratio",
        "gauge",
        "Processor time of the whole process tree; 1 is one core.",
        lambda one: None if one.cpu_percent is None else one.cpu_percent / 100,
    ),
    ("memory_bytes", "gauge", "Resident memory of the whole process tree.", lambda one: one.memory_bytes),
    ("load_ratio", "gauge", "Share of the model that is loaded, while it loads.", lambda one: one.progress),
    ("first_token_seconds", "gauge", "How long the warm-up's token took in this run.", lambda one: one.first_token_s),
)


def build_page(snapshot: Snapshot, counts: EngineCounts) -> str:
    """The whole page, as of this snapshot."""
    families = [*_build_engine(snapshot, counts), *_build_instances(snapshot.instances)]
    return "".join(f"{line}\n" for family in families if family.samples for line in family.build())


def escape_label(text: str) -> str:
    """A label's value between its quotes."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def format_value(value: float) -> str:
    """A number as Prometheus reads it, without a needless fraction."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _escape_help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _build_engine(snapshot: Snapshot, counts: EngineCounts) -> list[_Family]:
    families = [
        _Family("events_total", "counter", "Events recorded since this leader began.", [((), counts.events)]),
        _Family("unwritten_records", "gauge", "Records that wait for the database.", [((), counts.unwritten)]),
        _Family("clients", "gauge", "Consoles and commands that are connected.", [((), counts.clients)]),
        _Family("faults", "gauge", "What the operator should mend.", [((), len(snapshot.faults))]),
        _Family(
            "fault",
            "gauge",
            "1 for each thing that the operator should mend.",
            [((("fault", one.key),), 1) for one in snapshot.faults],
        ),
    ]
    if snapshot.leader is not None:
        leader = snapshot.leader
        about = (("version", leader.version), ("kind", leader.kind.value))
        families += [
            _Family("build_info", "gauge", "Which program leads; always 1.", [(about, 1)]),
            _Family(
                "leader_start_time_seconds",
                "gauge",
                "Since when this leader leads, in seconds since the epoch.",
                [((), leader.since)],
            ),
        ]
    if snapshot.host is not None:
        host = snapshot.host
        families += [
            _Family("host_cpu_ratio", "gauge", "The machine's load, 0 to 1.", [((), host.cpu_percent / 100)]),
            _Family("host_memory_used_bytes", "gauge", "Memory in use.", [((), host.memory_used_bytes)]),
            _Family("host_memory_size_bytes", "gauge", "Memory that there is.", [((), host.memory_total_bytes)]),
        ]
    return families


def _build_instances(instances: tuple[InstanceSnapshot, ...]) -> list[_Family]:
    states = _Family("instance_state", "gauge", "1 for the state that it is in, 0 for every other.")
    healths = _Family("instance_health", "gauge", "1 for what its health checks say, 0 for everything else.")
    for one in instances:
        name = ("instance", one.name)
        states.samples += [((name, ("state", state.value)), state is one.state) for state in State]
        healths.samples += [((name, ("health", health.value)), health is one.health) for health in Health]
    families = [states, healths]
    for metric, kind, text, read in _INSTANCE:
        found = [((("instance", one.name),), value) for one in instances if (value := read(one)) is not None]
        families.append(_Family(f"instance_{metric}", kind, text, [(labels, float(value)) for labels, value in found]))
    return families
