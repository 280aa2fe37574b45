"""The configuration file's tables and keys: what each means, its unit and its default."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from engine.config.conflicts import find_conflicts, missing_port
from engine.config.fields import (
    Backups,
    ConfirmWord,
    ContextSize,
    Days,
    Environment,
    FilePath,
    FilledText,
    Flag,
    FolderList,
    GpuLayers,
    HealthType,
    HealthTypeWord,
    Host,
    HttpStatus,
    HubModel,
    KeyTable,
    Listen,
    Megabytes,
    Multiplier,
    NameList,
    NotifyWord,
    OnExitWord,
    OptionalPath,
    Port,
    PositiveSeconds,
    Probes,
    Program,
    ProgramArgv,
    RestartMode,
    RestartModeWord,
    Retries,
    Rows,
    Seconds,
    ServerChoice,
    Share,
    Slots,
    Text,
    TextList,
    Threads,
    UrlPath,
)
from engine.habits import Confirm, Notify
from engine.snapshots import OnExit


class Table(BaseModel):
    """A table of the file: unknown keys are refused, values never change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class HealthcheckConfig(Table):
    """How an instance is asked whether it is well."""

    type: HealthTypeWord = Field(
        HealthType.HTTP,
        description='"http": GET `path`; "tcp": the port accepts; "custom": `custom_script` exits 0; '
        '"none": never asked.',
    )
    path: UrlPath = Field("/health", description="What is asked for over HTTP.")
    expected_status: HttpStatus = Field(200, description="The HTTP status of a healthy server.")
    expected_body: Text = Field(
        "", description="A text that a healthy server's answer holds, in its first 64 KiB; empty is any."
    )
    tls: Flag = Field(
        default=False, description="Ask over HTTPS; a server with --ssl-key-file in its arguments is asked so anyway."
    )
    custom_script: OptionalPath = Field(
        "",
        description="The program that a custom check executes: exit code 0 means healthy. It finds LLAMA_ORCH_NAME, "
        "LLAMA_ORCH_HOST and LLAMA_ORCH_PORT in its environment.",
    )
    interval: PositiveSeconds = Field(10.0, description="Seconds from one check to the next.")
    timeout: PositiveSeconds = Field(5.0, description="Seconds after which a check counts as failed.")
    retries: Probes = Field(3, description="Failed checks in a row that make an instance unhealthy.")
    start_period: Seconds = Field(
        600.0, description="Seconds after the start in which loading is no failure; ends at the first healthy answer."
    )
    warmup_enabled: Flag = Field(
        default=False, description="Send one short completion after loading, before the instance counts as ready."
    )
    warmup_prompt: FilledText = Field("Hello", description="The text of that completion.")
    deep_interval: Seconds = Field(
        0.0,
        description="Seconds between one-token completions that prove that the model still answers; 0 is never. Only "
        "while no slot is busy, and never of a server that sleeps.",
    )


class RestartPolicyConfig(Table):
    """What happens after an exit that nobody asked for."""

    policy: RestartModeWord = Field(
        RestartMode.ALWAYS,
        description='"always": restart; "on-failure": not after exit code 0; "never": a crash means failed.',
    )
    max_retries: Retries = Field(5, description="Restarts without a stable run in between, before it is failed.")
    initial_delay: Seconds = Field(1.0, description="Seconds before the first delayed restart.")
    multiplier: Multiplier = Field(2.0, description="By how much each further delay is longer than the last.")
    max_delay: Seconds = Field(300.0, description="The longest delay in seconds.")
    jitter: Share = Field(0.2, description="Share (0 to 1) of the delay that is random, so restarts do not coincide.")
    reset_after: Seconds = Field(60.0, description="Seconds of running after which earlier exits are forgotten.")


class LogsConfig(Table):
    """How much of an instance's output is kept, for each of its two streams."""

    max_size_mb: Megabytes = Field(10.0, description="Megabytes after which a log file is rotated; may be a fraction.")
    backups: Backups = Field(3, description="How many rotated files are kept beside the current one.")


class SharedConfig(Table):
    """The keys that an instance may set, or inherit from `[defaults]`."""

    binary: Program | None = Field(
        None, description="The server program of this instance; without it, what `[server] binary` says."
    )
    host: Host = Field("127.0.0.1", description="The address the server listens on; beyond 127.0.0.1 others reach it.")
    ctx_size: ContextSize | None = Field(None, description="Context in tokens (--ctx-size); 0 is the model's own.")
    parallel: Slots | None = Field(None, description="Requests served at once (--parallel).")
    gpu_layers: GpuLayers | None = Field(
        None, description='Layers held by the GPU (--gpu-layers): a number, "auto" or "all".'
    )
    threads: Threads | None = Field(None, description="CPU threads (--threads).")
    args: TextList = Field((), description="Further arguments, handed to the server as they are.")
    env: Environment = Field(
        default_factory=dict, repr=False, description="Environment variables of the server, over the inherited ones."
    )
    tags: NameList = Field((), description="Words to address several instances with (--tag).")
    autostart: Flag = Field(default=False, description="Start it once after each boot of the machine.")
    depends_on: NameList = Field((), description="Instances that must be ready before this one starts.")
    stop_grace: Seconds = Field(10.0, description="Seconds from the polite stop to the kill.")
    api_key: Text = Field(
        "", repr=False, description="The key that clients must send; reaches the server as LLAMA_API_KEY."
    )
    api_key_file: OptionalPath = Field("", description="A file that holds the key; read at each start, never copied.")
    cwd: OptionalPath = Field("", description="The folder the server runs in; without it, the configuration's folder.")
    healthcheck: HealthcheckConfig = Field(HealthcheckConfig(), description="How its health is judged.")
    restart_policy: RestartPolicyConfig = Field(
        RestartPolicyConfig(), description="What happens when it ends on its own."
    )
    logs: LogsConfig = Field(LogsConfig(), description="How much of its output is kept.")


class DefaultsConfig(SharedConfig):
    """What every instance inherits, key by key."""


class InstanceConfig(SharedConfig):
    """One server: a model file, a model of Hugging Face, or any other program."""

    model: FilePath | None = Field(None, description="The GGUF file to serve.")
    hf: HubModel | None = Field(None, description="A Hugging Face model that llama-server downloads: owner/repo:quant.")
    command: ProgramArgv | None = Field(
        None, description="Another server's program and arguments; {port}, {host} and {name} are replaced."
    )
    port: Port | None = Field(
        None,
        description='The port to listen on, 1 to 65535, or "auto" for a free one (the default); '
        'a `command` whose health type is "none" or "custom" needs none.',
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_port(cls, values: Any) -> Any:  # noqa: ANN401 - pydantic hands over whatever it was given
        if isinstance(values, dict) and values.get("port") is None:
            return {**values, "port": missing_port(values)}
        return values

    @model_validator(mode="after")
    def _refuse_conflicts(self) -> InstanceConfig:
        if conflicts := find_conflicts(self.model_dump(exclude_defaults=True)):
            raise ValueError("; ".join(conflict.message for conflict in conflicts))
        return self


class ServerConfig(Table):
    """The llama.cpp server that instances run unless they name their own."""

    binary: Program = Field(
        ServerChoice.AUTO.value,
        description='"auto": llama-server on PATH, else the embedded llama.cpp; "embedded"; or a path.',
    )


class DashboardConfig(Table):
    """How the dashboard behaves."""

    on_exit: OnExitWord = Field(
        OnExit.DAEMON,
        description='When it closes: "daemon" keeps watching in the background, "leave" leaves the models running '
        'unwatched, "stop" stops them.',
    )
    confirm: ConfirmWord = Field(
        Confirm.RISKY,
        description='When a key asks before it stops or restarts: "risky" for several running models or one with '
        'requests in flight, "always" for any running model, "never".',
    )
    notify: NotifyWord = Field(
        Notify.OFF,
        description='How it calls for you when an instance gets into trouble: "off", "bell", "desktop" for a message '
        'of the desktop where the terminal can show one, "both".',
    )
    title: Flag = Field(
        default=True, description="Whether the title of the terminal tells how many instances are ready and in trouble."
    )


class DaemonConfig(Table):
    """How the daemon behaves."""

    shutdown_timeout: PositiveSeconds = Field(
        10.0,
        description="Seconds after which a daemon that was told to end leaves at once, whatever hangs; "
        "the models run on.",
    )


class EventsConfig(Table):
    """How much history is kept."""

    retention_days: Days = Field(
        7.0, description="Days after which events and health records are deleted; imported ones are kept."
    )
    max_rows: Rows = Field(
        1_000_000, description="How many events, and health records, are kept at most; the oldest go first."
    )


class ModelsConfig(Table):
    """Where the console looks for models when a new instance is made."""

    folders: FolderList = Field(
        (),
        description="Folders with GGUF files, subfolders included, beside the usual places of LM Studio, Hugging Face, "
        "llama.cpp and Ollama.",
    )


class MetricsConfig(Table):
    """The Prometheus exporter of the leader."""

    listen: Listen = Field("", description='HOST:PORT to export on, for example "127.0.0.1:9797"; empty is off.')


class ProfileConfig(Table):
    """A named set of instances; using it starts these and stops the rest."""

    instances: NameList = Field((), description="The instances that run while the profile is in use.")


class Config(Table):
    """The whole file; instances hold what they inherit already, in the file's order."""

    server: ServerConfig = Field(ServerConfig(), description="The server program.")
    dashboard: DashboardConfig = Field(DashboardConfig(), description="The dashboard.")
    daemon: DaemonConfig = Field(DaemonConfig(), description="The daemon.")
    defaults: DefaultsConfig = Field(DefaultsConfig(), description="What every instance inherits.")
    instances: dict[str, InstanceConfig] = Field(default_factory=dict, description="The servers, by name.")
    profiles: dict[str, ProfileConfig] = Field(default_factory=dict, description="Named sets of instances.")
    events: EventsConfig = Field(EventsConfig(), description="How much history is kept.")
    models: ModelsConfig = Field(ModelsConfig(), description="Where models are looked for.")
    metrics: MetricsConfig = Field(MetricsConfig(), description="The Prometheus exporter.")
    keys: KeyTable = Field(default_factory=dict, description="Key bindings: an action's id and its key.")
