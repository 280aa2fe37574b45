"""The metrics page in Prometheus' text format: snapshots in, text out. Pure.

Written here rather than by a library: gauges and counters of one snapshot need a page of code, and a registry of
mutable metrics would be a second truth beside the snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from engine.loads import GpuLoad, LlamaLoad
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
    ("gpu_memory_bytes", "gauge", "Memory of the whole process tree on all GPUs.", lambda one: one.gpu_memory_bytes),
)
_LOAD: tuple[tuple[str, str, Callable[[LlamaLoad], float | None]], ...] = (
    ("tokens_per_second", "Tokens that the server made lately.", lambda load: load.tokens_per_s),
    ("prompt_tokens_per_second", "Tokens that the server took in lately.", lambda load: load.prompt_tokens_per_s),
    ("busy_slots", "Slots at work.", lambda load: load.busy_slots),
    ("slots", "Slots that there are.", lambda load: load.total_slots),
    ("deferred_requests", "Requests that wait for a slot.", lambda load: load.deferred),
    ("context_used_tokens", "Tokens in the fullest slot.", lambda load: load.context_used),
    ("context_size_tokens", "Tokens that this slot can hold.", lambda load: load.context_size),
)
_GPU: tuple[tuple[str, str, Callable[[GpuLoad], float | None]], ...] = (
    ("memory_used_bytes", "Memory of this GPU in use.", lambda gpu: gpu.memory_used_bytes),
    ("memory_size_bytes", "Memory that this GPU has.", lambda gpu: gpu.memory_total_bytes),
    ("busy_ratio", "Share of the last moment in which it worked.", lambda gpu: _share(gpu.busy_percent)),
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
        families += [_build_gpu(host.gpus, metric, text, read) for metric, text, read in _GPU]
    return families


def _build_gpu(gpus: tuple[GpuLoad, ...], metric: str, text: str, read: Callable[[GpuLoad], float | None]) -> _Family:
    found = [((("gpu", str(one.index)), ("name", one.name)), value) for one in gpus if (value := read(one)) is not None]
    return _Family(f"gpu_{metric}", "gauge", text, list(found))


def _share(percent: float | None) -> float | None:
    return None if percent is None else percent / 100


def _build_instances(instances: tuple[InstanceSnapshot, ...]) -> list[_Family]:
    states = _Family("instance_state", "gauge", "1 for the state that it is in, 0 for every other.")
    healths = _Family("instance_health", "gauge", "1 for what its health checks say, 0 for everything else.")
    for one in instances:
        name = ("instance", one.name)
        states.samples += [((name, ("state", state.value)), state is one.state) for state in State]
        healths.samples += [((name, ("health", health.value)), health is one.health) for health in Health]
    families = [states, healths]
    for metric, kind, text, read in _INSTANCE:
        families.append(_build_family(instances, metric, kind, text, read))
    for metric, text, told in _LOAD:
        read_load: _Reader = partial(_read_load, told)
        families.append(_build_family(instances, metric, "gauge", text, read_load))
    return families


def _build_family(instances: tuple[InstanceSnapshot, ...], metric: str, kind: str, text: str, read: _Reader) -> _Family:
    found = [((("instance", one.name),), float(value)) for one in instances if (value := read(one)) is not None]
    return _Family(f"instance_{metric}", kind, text, list(found))


def _read_load(read: Callable[[LlamaLoad], float | None], one: InstanceSnapshot) -> float | None:
    return None if one.load is None else read(one.load)
