"""What stands on the screen in the pictures: engines over busy, broken, many, and awkwardly named instances."""

from __future__ import annotations

from dataclasses import replace

from engine.conversation import ChatAnswer, ChatStatus
from engine.description import DescribeSection, Description, HealthPoint, SettingInForce
from engine.editing import FoundModel, KeyFault, SearchState
from engine.loads import GpuLoad, LlamaLoad
from engine.log_asking import LogWindow
from engine.snapshots import (
    CrashText,
    Fault,
    Health,
    InstanceSnapshot,
    LogLine,
    ProfileSnapshot,
    Snapshot,
    State,
    Stream,
)
from engine.topics import Topic
from tests.fakes.scenes import (
    BUSY,
    COMMAND_LINE,
    CONFIG,
    EVENTS,
    GIB,
    HOST,
    LOG_LINES,
    NOW,
    TRIO,
    engine_of,
    instance,
    snapshot,
)
from tests.fakes.still_engine import StillEngine

GOOD, BAD, LOADING = Health.HEALTHY, Health.UNHEALTHY, Health.LOADING
FAULTS = (
    Fault("state", "state.sqlite: disk is full; events stay in memory until there is room on /home", NOW),
    Fault("config", f"{CONFIG}: line 41: ctx_sise: unknown key; did you mean ctx_size?", NOW),
)
BROKEN = Fault("config", f"{CONFIG}: line 3: [instances.qwen] port: expected a number, found 'eighty'", NOW)
ANSWER = ChatAnswer(
    ChatStatus.DONE,
    "A keeper owns one server: it starts it, takes down what it prints, and waits for its end.\n\n"
    "So a console can be closed, or killed, while the model serves on. 终端关闭也没关系 [ok].",
    "",
    46,
    0.214,
    41.5,
)
CRASH = CrashText(
    "/home/ada/.local/state/llama-orch-tui/crashes/chat-2026-09-21T141239Z.txt",
    (
        "instance   chat",
        "ended      2026-09-21 14:12:39 UTC, killed by SIGSEGV (signal 11), 4 s after its start",
        "cause      out of memory: a smaller ctx_size or gpu_layers may help",
        "",
        "last lines of stderr",
        *(f"  {line.text}" for line in LOG_LINES[2:8]),
    ),
)
MODELS = (
    FoundModel(
        "/home/ada/m/Qwen3-4B-Q4_K_M.gguf", "LM Studio", "Qwen3-4B-Q4_K_M", 2_497_280_256, 1, "qwen3", "4B", "Q4_K_M"
    ),
    FoundModel("/home/ada/o/blobs/sha256-1", "Ollama", "gemma3:27b", 17_396_936_941, 1, "gemma3", "27B", "Q4_K_M"),
    FoundModel("/home/ada/h/模型-Q8_0.gguf", "Hugging Face", "模型-Q8_0", 634_553_760, 1, "bert", "335M", "Q8_0"),
    FoundModel("/home/ada/m/page.gguf", "models", "page", 1234, trouble="is no GGUF file; download it again"),
)
LONG = "embeddings-multilingual-production-with-a-very-long-name-indeed"


def engine_at_work() -> StillEngine:
    """An engine over `at_work`, whose first log is as long as logs are."""
    engine = engine_of(at_work())
    engine.logs["chat"] = LogWindow("chat", (*LOG_LINES, *_requests(60)), size_bytes=48_000, top=0.9)
    return engine


def trio() -> StillEngine:
    """The demo's size: three instances, some events, a log that fills its pane."""
    engine = engine_of(snapshot(TRIO, events=EVENTS[:4]))
    engine.logs["chat"] = LogWindow("chat", (*LOG_LINES, *_requests(60)), size_bytes=48_000, top=0.9)
    return engine


def _requests(count: int) -> tuple[LogLine, ...]:
    """What a llama.cpp server says about its work."""
    words = (
        "I slot launch_slot_: id  {slot} | task {task} | processing task, is_child = 0",
        "I slot update_slots: id  {slot} | task {task} | new prompt, n_ctx_slot = 2048, n_tokens = {tokens}",
        "I slot print_timing: id  {slot} | task {task} | eval time = {tokens}.40 ms / 128 tokens (41.52 per second)",
        "I srv  log_server_r: done request: POST /v1/chat/completions 127.0.0.1 200",
    )
    return tuple(
        LogLine(
            f"1.{number // 4:02}.{number * 137 % 1000:03}.551 "
            + words[number % 4].format(slot=number // 4 % 4, task=number // 4, tokens=200 + number),
            Stream.STDERR,
        )
        for number in range(count)
    )


def at_work() -> Snapshot:
    """Servers at work on a machine with a GPU, followed by this console; everything that a state can be."""
    gpu = GpuLoad(0, "NVIDIA H200", 38 * GIB, 140 * GIB, 64.0)
    loads = (
        LlamaLoad(2210.0, 41.5, 4, 4, 3, 7782, 8192),
        LlamaLoad(0.0, 0.0, 0, 2, 0, 120, 8192),
        LlamaLoad(total_slots=1, is_asleep=True),
    )
    strips = ((GOOD,) * 20, (LOADING, *(GOOD,) * 4), (LOADING,) * 3, (), (), (), (*(GOOD,) * 8, BAD, BAD, BAD))
    working = [replace(one, load=load, gpu_memory_bytes=9 * GIB) for one, load in zip(BUSY[:3], loads, strict=True)]
    rows = [*working, *BUSY[3:]]
    rows[: len(strips)] = [replace(one, health_strip=strip) for one, strip in zip(rows, strips, strict=False)]
    return replace(snapshot(tuple(rows), follows=True), host=replace(HOST, gpus=(gpu,)))


def with_profiles() -> StillEngine:
    """One profile in use, one that changes much, one with a name nobody wants to read."""
    names = ("chat", "embed")
    profiles = (
        ProfileSnapshot("evening", names, names),
        ProfileSnapshot("night", ("code",), ("code",)),
        ProfileSnapshot(LONG, ("chat",), ("chat",)),
    )
    return engine_of(replace(snapshot(TRIO), profiles=profiles))


def described() -> StillEngine:
    """All about an instance that works."""
    rows = (replace(TRIO[0], load=LlamaLoad(2210.0, 41.5, 4, 4, 3, 7782, 8192), health_strip=(GOOD,) * 20), *TRIO[1:])
    engine = engine_of(snapshot(rows))
    engine.descriptions["chat"] = DESCRIPTION
    return engine


def with_models() -> StillEngine:
    """Models to choose from, and a form that finds a mistake."""
    engine = engine_of(snapshot(TRIO))
    engine.search.published = SearchState(MODELS, ("/mnt/x: cannot be read: permission denied",), is_done=True)
    engine.editor.faults["port"] = KeyFault("port", "must be a whole number from 1 to 65535", "for example port = 8081")
    engine.editor.warnings = ("model: no such file yet",)
    return engine


def crashed() -> StillEngine:
    """A report of a crash."""
    engine = engine_of(snapshot(TRIO))
    engine.crash_reports["chat"] = CRASH
    return engine


def many() -> StillEngine:
    """200 instances with six tags, some of them in trouble."""
    tags = ("chat", "code", "embeddings-for-the-search-of-the-whole-company", "rag", "vision", "")
    states = (State.READY, State.READY, State.READY, State.STOPPED, State.LOADING, State.READY, State.FAILED)
    rows = [_one_of_many(number, tags[number % 6], states[number % 7]) for number in range(200)]
    return engine_of(snapshot(tuple(rows)))


def _one_of_many(number: int, tag: str, state: State) -> InstanceSnapshot:
    is_alive = state in {State.READY, State.LOADING}
    return instance(
        f"model-{number:03}",
        state,
        port=9000 + number,
        pid=20_000 + number if is_alive else None,
        uptime_s=60.0 * number if is_alive else None,
        cpu=number % 90 if is_alive else None,
        memory=1 + number % 7 if is_alive else None,
        model=f"part-{number:03}-q4_k_m.gguf",
        why={State.FAILED: "out of memory [CUDA0]", State.STOPPED: "stopped by the operator"}.get(state, "serving"),
        tags=(tag,) if tag else (),
    )


def long_named() -> StillEngine:
    """Names, models and reasons that find no room anywhere."""
    why = "no answer on /health for 30 s (3 tries): connection refused by 127.0.0.1, port 8082, again and again"
    rows = (
        instance(LONG, State.UNHEALTHY, port=8081, pid=4_194_301, uptime_s=9e6, cpu=6400, memory=999.9, why=why),
        instance("多语言嵌入模型生产环境非常长的名字" * 2, State.READY, port=8082, pid=77, uptime_s=5, cpu=3, memory=1),
        instance("a", State.BACKOFF, port=8083, restarts=1234, retry_in=299, model="x" * 120 + ".gguf", why=why),
        instance("b", State.STOPPED, config_error="line 41: " + "very " * 30 + "long"),
    )
    rows = (replace(rows[0], model=f"{LONG}-of-a-model-Q4_K_M-00001-of-00009.gguf", tags=(LONG,)), *rows[1:])
    return engine_of(snapshot(rows))


def all_failed() -> StillEngine:
    """Nothing runs, and every row says why."""
    reasons = (
        "failed to allocate 158.2 GiB: out of memory [CUDA0]; a smaller ctx_size or gpu_layers may help",
        "the model file does not exist: /models/bge-m3-q8_0.gguf",
        "unknown argument: --flash-atn; 5 tries in 31 s",
    )
    rows = [
        replace(instance(one.name, State.FAILED, port=one.port, restarts=5, model=one.model, why=why), tags=one.tags)
        for one, why in zip(TRIO, reasons, strict=True)
    ]
    return engine_of(snapshot(tuple(rows)))


DESCRIPTION = Description(
    "chat",
    COMMAND_LINE,
    (
        DescribeSection(
            "State",
            (
                ("state", "ready"),
                ("why", "serving for 12 min; the last health check took 3 ms [200]"),
                ("desired", "running"),
                ("model", "qwen3-4b-q4_k_m.gguf"),
                ("address", "http://127.0.0.1:8081"),
                ("program", "/usr/local/bin/llama-server"),
                ("version", "6730 (9d1b4e8)"),
                ("restarts", "0"),
                ("tags", "chat"),
            ),
        ),
        DescribeSection(
            "Runtime",
            (
                ("PID", "5101 (keeper 5100)"),
                ("started", "2026-09-21 14:00:36 UTC"),
                ("uptime", "0:12:44"),
                ("CPU", "112 % of one core"),
                ("memory", "3049 MB"),
                ("logs", "/home/ada/.local/state/llama-orch-tui/logs/chat"),
            ),
        ),
        DescribeSection("Last exit", (("exit", "-"), ("reason", "-"), ("crash report", "-"))),
        DescribeSection(
            "Work",
            (
                ("tokens/s", "41.5"),
                ("prompt tokens/s", "2210.0"),
                ("busy slots", "4 of 4"),
                ("waiting requests", "3"),
                ("context", "7782 of 8192 tokens (fullest slot)"),
            ),
        ),
        DescribeSection("Dependencies", (("needed by", "embed (loading)"),)),
        DescribeSection(
            "Next start",
            lines=("llama-server --model /models/千问-3-4b-q4_k_m.gguf --alias chat --port 8081 --ctx-size 16384",),
            topic=Topic.COMMAND,
        ),
        DescribeSection("Configuration", (("file", CONFIG),), topic=Topic.CONFIGURATION),
    ),
    (
        SettingInForce("model", "/models/qwen3-4b-q4_k_m.gguf", "line 12", is_built_in=False),
        SettingInForce("port", "8081", "line 13", is_built_in=False),
        SettingInForce("ctx_size", "8192", "[defaults], line 4", is_built_in=False),
        SettingInForce("parallel", "4", "line 14", is_built_in=False),
        SettingInForce("stop_grace", "10.0", "built-in", is_built_in=True),
        SettingInForce("env.CUDA_VISIBLE_DEVICES", "0", "line 16", is_built_in=False),
        SettingInForce("env.LLAMA_ARG_THREADS_HTTP", "16", "line 17", is_built_in=False),
        SettingInForce("healthcheck.type", "http", "built-in", is_built_in=True),
        SettingInForce("healthcheck.interval", "10.0", "[defaults], line 6", is_built_in=False),
        SettingInForce("restart_policy.policy", "always", "built-in", is_built_in=True),
        SettingInForce("restart_policy.max_retries", "5", "built-in", is_built_in=True),
        SettingInForce("logs.max_size_mb", "10", "built-in", is_built_in=True),
    ),
    tuple(
        HealthPoint(NOW - 10 * (60 - number), BAD if number in {31, 32} else GOOD, 2.5 + number % 7, "200 OK")
        for number in range(60)
    ),
)
