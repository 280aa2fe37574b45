"""Snapshots that look like a real day: used by the pictures, the key tests and the ten-line program."""

from __future__ import annotations

from engine.description import DescribeSection, Description
from engine.log_asking import LogWindow
from engine.snapshots import (
    Desired,
    Event,
    EventType,
    Fault,
    Health,
    HostLoad,
    InstanceSnapshot,
    LeaderInfo,
    LeaderKind,
    Level,
    LogLine,
    Snapshot,
    State,
    Status,
    Stream,
)
from tests.fakes.still_engine import StillEngine

NOW = 1_790_000_000.0
"""2026-09-21 14:13:20 UTC."""
GIB = 1024**3
CONFIG = "/home/ada/.config/llama-orch-tui/config.toml"


def instance(
    name: str,
    state: State,
    *,
    port: int | None = None,
    pid: int | None = None,
    uptime_s: float | None = None,
    cpu: float | None = None,
    memory: float | None = None,
    restarts: int = 0,
    model: str = "",
    why: str = "",
    tags: tuple[str, ...] = (),
    retry_in: float | None = None,
    config_error: str = "",
    needs_restart: bool = False,
) -> InstanceSnapshot:
    """One instance, with what follows from its state filled in."""
    status = _STATUS[state]
    return InstanceSnapshot(
        name=name,
        desired=Desired.STOPPED if state in {State.STOPPED, State.STOPPING} else Desired.RUNNING,
        status=status,
        health=_HEALTH.get(state, Health.UNKNOWN),
        state=state,
        run_id=f"run-{pid}" if pid else "",
        pid=pid,
        host="127.0.0.1",
        port=port,
        started_at=None if uptime_s is None else NOW - uptime_s,
        uptime_s=uptime_s,
        restarts=restarts,
        cpu_percent=cpu,
        memory_bytes=None if memory is None else round(memory * GIB),
        model=model,
        tags=tags,
        why=why,
        retry_at=None if retry_in is None else NOW + retry_in,
        config_error=config_error,
        needs_restart=needs_restart,
    )


_STATUS = {
    State.STOPPED: Status.STOPPED,
    State.STARTING: Status.STARTING,
    State.WAITING: Status.STOPPED,
    State.LOADING: Status.RUNNING,
    State.WARMING: Status.RUNNING,
    State.READY: Status.RUNNING,
    State.UNHEALTHY: Status.RUNNING,
    State.STOPPING: Status.STOPPING,
    State.BACKOFF: Status.BACKOFF,
    State.FAILED: Status.FAILED,
}
_HEALTH = {
    State.LOADING: Health.LOADING,
    State.WARMING: Health.HEALTHY,
    State.READY: Health.HEALTHY,
    State.UNHEALTHY: Health.UNHEALTHY,
}

LEADING = LeaderInfo(4242, LeaderKind.DASHBOARD, NOW - 60, "0.1.0")
DAEMON = LeaderInfo(123, LeaderKind.DAEMON, NOW - 86400, "0.1.0")
HOST = HostLoad(37.4, round(21.6 * GIB), 64 * GIB)

TRIO = (
    instance(
        "chat",
        State.READY,
        port=8081,
        pid=5101,
        uptime_s=764,
        cpu=112,
        memory=2.84,
        model="qwen3-4b-q4_k_m.gguf",
        why="serving for 12 min",
        tags=("chat",),
    ),
    instance(
        "embed",
        State.LOADING,
        port=8082,
        pid=5102,
        uptime_s=4,
        cpu=398,
        memory=0.31,
        model="bge-m3-q8_0.gguf",
        why="loading the model, 4 s so far",
        tags=("rag",),
    ),
    instance("code", State.STOPPED, port=8083, model="qwen2.5-coder-14b-q5_k_m.gguf", why="stopped by the operator"),
)

BUSY = (
    instance(
        "chat",
        State.READY,
        port=8081,
        pid=5101,
        uptime_s=273_912,
        cpu=112,
        memory=2.84,
        model="qwen3-4b-q4_k_m.gguf",
        why="serving for 3 days",
        tags=("chat",),
    ),
    instance(
        "embeddings-multilingual-production-with-a-very-long-name",
        State.READY,
        port=8082,
        pid=4194301,
        uptime_s=11_220,
        cpu=3,
        memory=1.2,
        model="bge-m3-q8_0.gguf",
        why="serving for 3 h",
        tags=("rag",),
    ),
    instance(
        "code",
        State.LOADING,
        port=8083,
        pid=5103,
        uptime_s=12,
        cpu=398,
        memory=7.1,
        model="qwen2.5-coder-14b-instruct-q5_k_m.gguf",
        why="loading the model: 61 % after 12 s",
    ),
    instance(
        "warmup",
        State.WARMING,
        port=8084,
        pid=5104,
        uptime_s=21,
        cpu=780,
        memory=4.4,
        model="gemma-3-4b-it-q4_0.gguf",
        why="answering the warm-up prompt",
    ),
    instance("mistral", State.STARTING, port=8085, why="executing llama-server", model="mistral-7b.gguf"),
    instance("reranker", State.WAITING, port=8086, why="waits for embeddings to be ready", model="rerank.gguf"),
    instance(
        "中文模型",
        State.UNHEALTHY,
        port=8087,
        pid=5107,
        uptime_s=5_400,
        cpu=0,
        memory=9.9,
        restarts=1,
        model="千问三点五-七十亿参数-量化.gguf",
        why="no answer on /health for 30 s (3 tries)",
    ),
    instance(
        "vision",
        State.STOPPING,
        port=8088,
        pid=5108,
        uptime_s=900,
        cpu=14,
        memory=12.3,
        model="llava-1.6-34b.gguf",
        why="stop asked for 2 s ago; one request in flight",
    ),
    instance(
        "draft",
        State.BACKOFF,
        port=8089,
        restarts=3,
        retry_in=12,
        model="draft-0.5b.gguf",
        why="exited with code 1 after 4 s; try 4 of 5 in 12 s",
    ),
    instance(
        "huge",
        State.FAILED,
        port=8090,
        restarts=5,
        model="deepseek-r1-671b-iq1_s.gguf",
        why="failed to allocate 158.2 GiB: out of memory [CUDA0]; a smaller ctx_size or gpu_layers may help",
    ),
    instance(
        "typo", State.STOPPED, model="old.gguf", config_error="line 41: ctx_sise: unknown key; did you mean ctx_size?"
    ),
    instance("spare", State.STOPPED, port=8092, model="phi-4-mini-q4_k_m.gguf", why="stopped by the operator"),
    instance(
        "changed",
        State.READY,
        port=8093,
        pid=5113,
        uptime_s=62,
        cpu=1,
        memory=0.9,
        needs_restart=True,
        model="tinyllama.gguf",
        why="serving for 1 min",
    ),
)

EVENTS = (
    Event(NOW - 700, None, Level.INFO, EventType.LED, "this dashboard leads (PID 4242)", (), 1),
    Event(NOW - 640, "chat", Level.INFO, EventType.REQUESTED, "start asked by dashboard", (), 2),
    Event(NOW - 639, "chat", Level.INFO, EventType.STARTED, "executed as PID 5101 on port 8081", (), 3),
    Event(NOW - 628, "chat", Level.INFO, EventType.READY, "ready after 11.2 s", (), 4),
    Event(NOW - 95, "中文模型", Level.WARNING, EventType.UNHEALTHY, "无响应: no answer on /health (3 tries)", (), 5),
    Event(
        NOW - 41,
        "draft",
        Level.ERROR,
        EventType.EXITED,
        "exited with code 1 after 4 s: [CUDA0] error",
        (("cause", "out-of-memory"), ("exit_code", 1), ("last_lines", ("E ggml: [/nope] failed", "E exiting"))),
        6,
    ),
    Event(NOW - 40, "draft", Level.WARNING, EventType.RESTARTING, "try 4 of 5 in 12 s", (), 7),
    Event(NOW - 12, "huge", Level.ERROR, EventType.FAILED, "failed to allocate 158.2 GiB: out of memory", (), 8),
    Event(NOW - 2, "vision", Level.INFO, EventType.STOPPING, "stop asked by dashboard; polite signal sent", (), 9),
)

LOG_LINES = (
    LogLine("0.00.021.882 I build: 6730 (9d1b4e8) with GCC 12.2 for x86_64-linux-gnu", Stream.STDERR),
    LogLine("0.00.031.007 I system info: n_threads = 8, n_threads_batch = 8, total_threads = 16", Stream.STDERR),
    LogLine("0.00.144.310 D llama_model_loader: loaded meta data with 28 key-value pairs", Stream.STDERR),
    LogLine("0.01.402.118 W load: control-looking token: 128247 '</s>' was not control-type", Stream.STDERR),
    LogLine("1,204 bytes were dropped here: the disk was full", Stream.STDERR, is_gap=True),
    LogLine("plain words on stdout with [brackets] and [/nope] \x1b[31mred\x1b[0m", Stream.STDOUT),
    LogLine("0.02.118.442 E ggml_backend_cuda_buffer_type_alloc_buffer: out of memory [CUDA0]", Stream.STDERR),
    LogLine("0.02.120.001 I main: server is listening on http://127.0.0.1:8081 - 等待请求", Stream.STDERR),
    LogLine("0.09.551.730 I srv  log_server_r: request: POST /v1/chat/completions 127.0.0.1 200", Stream.STDERR),
)


def snapshot(
    instances: tuple[InstanceSnapshot, ...] = BUSY,
    *,
    events: tuple[Event, ...] = EVENTS,
    faults: tuple[Fault, ...] = (),
    seq: int = 1,
    follows: bool = False,
) -> Snapshot:
    """A whole screen of these instances."""
    return Snapshot(
        seq=seq,
        taken_at=NOW,
        leader=DAEMON if follows else LEADING,
        is_leader=not follows,
        instances=instances,
        events=events,
        host=HOST,
        faults=faults,
        config_path=CONFIG,
    )


def first_run() -> Snapshot:
    """No file yet."""
    return Snapshot(
        seq=1, taken_at=NOW, leader=LEADING, is_leader=True, host=HOST, config_path=CONFIG, config_exists=False
    )


def engine_of(shown: Snapshot) -> StillEngine:
    """An engine over `shown`, with a log for every instance."""
    engine = StillEngine(shown)
    for one in shown.instances:
        engine.logs[one.name] = LogWindow(one.name, LOG_LINES, size_bytes=48_000, top=0.9)
    return engine


COMMAND_LINE = (
    "llama-server --model /models/qwen3-4b-q4_k_m.gguf --alias chat --host 127.0.0.1 --port 8081 --ctx-size 8192 "
    "--parallel 4 --threads 8 --flash-attn on --api-key-file '[redacted]'"
)
"""Of `chat`, secrets hidden."""

DESCRIPTION = Description(
    "chat",
    COMMAND_LINE,
    (
        DescribeSection(
            "State",
            (
                ("state", "ready"),
                ("why", "serving for 12 min; the last health check took 3 ms [200]"),
                ("pid", "5101 (keeper 5100)"),
                ("listens on", "127.0.0.1:8081"),
                ("restarts", "0 of 5"),
            ),
        ),
        DescribeSection("Model", (("file", "/models/qwen3-4b-q4_k_m.gguf"), ("size", "2.4 GiB"), ("文件", "千问"))),
        DescribeSection("Last lines", lines=tuple(line.text for line in LOG_LINES[:3])),
    ),
)
