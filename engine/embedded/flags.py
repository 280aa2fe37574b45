"""The flags of `llama-server` that the embedded server takes, each with the parameter it sets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from engine.embedded.values import (
    EXPERT_TENSORS,
    MAX_PORT,
    Converter,
    Member,
    adapters,
    cache_type,
    choice,
    experts_on_cpu,
    file_lines,
    file_text,
    flash_attention,
    gpu_layers,
    hosts,
    integer,
    integer_between,
    memory_targets,
    number,
    numbers,
    scaled_adapters,
    seed,
    slots,
    switch,
    text,
    threads,
    word_set,
    words,
)


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag: what it is called, and what it does to the parameters."""

    names: tuple[str, ...]
    target: str
    """Attribute of xllamacpp's CommonParams, for example ``sampling.temp``; several stand between spaces."""
    help: str
    convert: Converter | None = None
    """None for a switch, which takes no value."""
    placeholder: str = ""
    on: object = True
    """What a switch sets."""
    off_names: tuple[str, ...] = ()
    """Names that unset the switch."""
    variable: str = ""
    """Environment variable that stands in when the flag is not given."""
    implies: tuple[str, ...] = ()
    """Attributes that become true with it."""
    joins: bool = False
    """Each further use adds to the ones before; otherwise the last one wins."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Flags of `llama-server` that cannot be honoured here, and what to do instead."""

    names: tuple[str, ...]
    reason: str


def _value(names: str, target: str, convert: Converter, shown: str, help_text: str) -> Flag:
    """A flag that takes a value. In `shown`, a word after ``$`` is its variable, without the usual prefix."""
    placeholder, _, variable = shown.partition(" $")
    return Flag(tuple(names.split()), target, help_text, convert, placeholder, variable=_variable(variable))


def _joined(names: str, target: str, convert: Converter, shown: str, help_text: str) -> Flag:
    """A flag that takes a value and may be given several times."""
    return replace(_value(names, target, convert, shown, help_text), joins=True)


def _switch(names: str, target: str, variable: str, help_text: str, *, off: str = "", on: object = True) -> Flag:
    """A flag without a value, perhaps with names that say the opposite."""
    return Flag(
        tuple(names.split()), target, help_text, on=on, off_names=tuple(off.split()), variable=_variable(variable)
    )


def _variable(name: str) -> str:
    return name if not name or name.startswith("LLAMA_") else f"LLAMA_ARG_{name}"


_SPLIT_MODES = {name: f"LLAMA_SPLIT_MODE_{name.upper()}" for name in ("none", "layer", "row", "tensor")}
_LOAD_MODES = {name: f"LLAMA_LOAD_MODE_{name.upper()}" for name in ("auto", "none", "mmap", "mlock")} | {
    "mmap+mlock": "LLAMA_LOAD_MODE_MMAP_MLOCK",
    "dio": "LLAMA_LOAD_MODE_DIRECT_IO",
}
_POOLING = {name: f"LLAMA_POOLING_TYPE_{name.upper()}" for name in ("none", "mean", "cls", "last", "rank")}
_ROPE_SCALING = {name: f"LLAMA_ROPE_SCALING_TYPE_{name.upper()}" for name in ("none", "linear", "yarn")}
_NUMA = {name: f"GGML_NUMA_STRATEGY_{name.upper()}" for name in ("distribute", "isolate", "numactl")}
_REASONING = {
    name: f"COMMON_REASONING_FORMAT_{name.upper().replace('-', '_')}"
    for name in ("none", "auto", "deepseek", "deepseek-legacy")
}

_MODEL: tuple[Flag, ...] = (
    _value("-m --model", "model.path", text, "FNAME $MODEL", "model path to load"),
    _value("-mm --mmproj", "mmproj.path", text, "FNAME $MMPROJ", "multimodal projector file"),
    _joined("-a --alias", "model_alias", word_set, "NAMES $ALIAS", "names the model answers to, between commas"),
    _joined("--lora", "lora_adapters", adapters, "FNAMES", "LoRA adapters, between commas"),
    _joined("--lora-scaled", "lora_adapters", scaled_adapters, "FNAME:SCALE,...", "LoRA adapters with their strength"),
    _switch("--check-tensors", "check_tensors", "", "look for invalid values in the weights"),
    _value("-lm --load-mode", "load_mode", choice("llama_load_mode", _LOAD_MODES), "MODE $LOAD_MODE", "how to load"),
    _switch("--warmup", "warmup", "", "warm the model up with an empty run", off="--no-warmup"),
    _switch("--offline", "offline", "OFFLINE", "never use the network"),
)

_MEMORY: tuple[Flag, ...] = (
    _value("-c --ctx-size", "n_ctx", integer_between(0, 2**31 - 1), "N $CTX_SIZE", "context size, 0 = from model"),
    _value("-np --parallel", "n_parallel", slots, "N $N_PARALLEL", "number of slots, -1 = auto"),
    _switch("-kvu --kv-unified", "kv_unified", "KV_UNIFIED", "one KV buffer for all", off="-no-kvu --no-kv-unified"),
    _value("--kv-unified-per-slot", "kv_unified_per_slot", integer, "N $KV_UNIFIED_PER_SLOT", "context of one slot"),
    _value("-b --batch-size", "n_batch", integer, "N $BATCH", "logical batch size"),
    _value("-ub --ubatch-size", "n_ubatch", integer, "N $UBATCH", "physical batch size"),
    _value("-ctk --cache-type-k", "cache_type_k", cache_type, "TYPE $CACHE_TYPE_K", "KV cache type for K"),
    _value("-ctv --cache-type-v", "cache_type_v", cache_type, "TYPE $CACHE_TYPE_V", "KV cache type for V"),
    _value("-fa --flash-attn", "flash_attn_type", flash_attention, "on|off|auto $FLASH_ATTN", "flash attention"),
    _value("-cram --cache-ram", "cache_ram_mib", integer, "MIB $CACHE_RAM", "prompt cache, -1 = no limit, 0 = off"),
    _switch("--cache-prompt", "cache_prompt", "CACHE_PROMPT", "reuse prompts", off="--no-cache-prompt"),
    _value("--cache-reuse", "n_cache_reuse", integer, "N $CACHE_REUSE", "smallest chunk to reuse by shifting"),
    _switch("--swa-full", "swa_full", "SWA_FULL", "full-size cache for sliding window attention"),
    _switch("--context-shift", "ctx_shift", "CONTEXT_SHIFT", "shift a full context", off="--no-context-shift"),
    _value("-fit --fit", "fit_params", switch, "on|off $FIT", "fit unset parameters to the memory"),
    _value("-fitt --fit-target", "fit_params_target", memory_targets, "MIB,... $FIT_TARGET", "memory to leave free"),
    _value("-fitc --fit-ctx", "fit_params_min_ctx", integer, "N $FIT_CTX", "smallest context that fitting may set"),
    _value("--keep", "n_keep", integer, "N", "tokens of the prompt to keep"),
    _value("-n --predict --n-predict", "n_predict", integer, "N $N_PREDICT", "tokens to predict, -1 = no end"),
)

_DEVICES: tuple[Flag, ...] = (
    _value("-t --threads", "cpuparams.n_threads", threads, "N $THREADS", "threads that generate"),
    _value("-tb --threads-batch", "cpuparams_batch.n_threads", threads, "N", "threads that read prompts"),
    _value("-ngl --gpu-layers --n-gpu-layers", "n_gpu_layers", gpu_layers, "N|auto|all $N_GPU_LAYERS", "GPU layers"),
    _value("-sm --split-mode", "split_mode", choice("llama_split_mode", _SPLIT_MODES), "MODE $SPLIT_MODE", "GPU split"),
    _value("-ts --tensor-split", "tensor_split", numbers, "N0,N1,... $TENSOR_SPLIT", "share of each GPU"),
    _value("-mg --main-gpu", "main_gpu", integer, "INDEX $MAIN_GPU", "the GPU to use"),
    _joined(
        "-ot --override-tensor", "tensor_buft_overrides", text, "PATTERN=TYPE,... $OVERRIDE_TENSOR", "tensor places"
    ),
    Flag(
        ("-cmoe", "--cpu-moe"),
        "tensor_buft_overrides",
        "keep all experts in the processor's memory",
        on=f"{EXPERT_TENSORS}=CPU",
        variable="LLAMA_ARG_CPU_MOE",
        joins=True,
    ),
    _joined("-ncmoe --n-cpu-moe", "tensor_buft_overrides", experts_on_cpu, "N $N_CPU_MOE", "experts of N layers there"),
    _switch("-nkvo --no-kv-offload", "no_kv_offload", "", "keep the KV cache off the GPU", off="-kvo --kv-offload"),
    _value("--numa", "numa", choice("ggml_numa_strategy", _NUMA), "TYPE $NUMA", "distribute, isolate or numactl"),
    _value("--rope-scaling", "rope_scaling_type", choice("llama_rope_scaling_type", _ROPE_SCALING), "TYPE", "RoPE"),
    _value("--rope-freq-base", "rope_freq_base", number, "N $ROPE_FREQ_BASE", "RoPE base frequency"),
    _value("--rope-freq-scale", "rope_freq_scale", number, "N $ROPE_FREQ_SCALE", "RoPE frequency factor"),
    _value("--yarn-orig-ctx", "yarn_orig_ctx", integer, "N $YARN_ORIG_CTX", "context the model was trained with"),
)

_SERVER: tuple[Flag, ...] = (
    _value("--host", "hostnames", hosts, "HOST,... $HOST", "addresses to listen on, or a path that ends in .sock"),
    _value("--port", "port", integer_between(1, MAX_PORT), "PORT $PORT", "port to listen on (default: 8080)"),
    _switch("--reuse-port", "reuse_port", "REUSE_PORT", "let several sockets share the port"),
    _joined("--api-key", "api_keys", words, "KEYS $LLAMA_API_KEY", "keys that clients must show, between commas"),
    _joined("--api-key-file", "api_keys", file_lines, "FNAME", "file with one key a line"),
    _value("--api-prefix", "api_prefix", text, "PREFIX $API_PREFIX", "path before every endpoint"),
    _value("--path", "public_path", text, "PATH $STATIC_PATH", "static files to serve"),
    _value(
        "-to --timeout", "timeout_read timeout_write", integer, "S $TIMEOUT", "read and write time limit in seconds"
    ),
    _value("--sse-ping-interval", "sse_ping_interval", integer, "S $SSE_PING_INTERVAL", "seconds between pings"),
    _value("--threads-http", "n_threads_http", integer, "N $THREADS_HTTP", "threads that answer requests"),
    _value("--sleep-idle-seconds", "sleep_idle_seconds", integer, "S", "unload after so many idle seconds, -1 = never"),
    _value("--slot-save-path", "slot_save_path", text, "PATH $SLOT_SAVE_PATH", "where slots are saved"),
    _value("-sps --slot-prompt-similarity", "slot_prompt_similarity", number, "SHARE", "likeness to reuse a slot"),
    _switch(
        "-cb --cont-batching", "cont_batching", "CONT_BATCHING", "batch continuously", off="-nocb --no-cont-batching"
    ),
    _switch("--metrics", "endpoint_metrics", "ENDPOINT_METRICS", "serve /metrics"),
    _switch("--props", "endpoint_props", "ENDPOINT_PROPS", "let POST /props change settings"),
    _switch("--slots", "endpoint_slots", "ENDPOINT_SLOTS", "serve /slots", off="--no-slots"),
    _switch("--ui --webui", "ui", "UI", "serve the web page", off="--no-ui --no-webui"),
    _switch("--embedding --embeddings", "embedding", "EMBEDDINGS", "serve embeddings only"),
    Flag(
        ("--rerank", "--reranking"),
        "pooling_type",
        "serve /rerank",
        on=Member("llama_pooling_type", _POOLING["rank"]),
        variable="LLAMA_ARG_RERANKING",
        implies=("embedding",),
    ),
    _value(
        "--pooling", "pooling_type", choice("llama_pooling_type", _POOLING), "TYPE $POOLING", "pooling of embeddings"
    ),
)

_CHAT: tuple[Flag, ...] = (
    _switch("--jinja", "use_jinja", "JINJA", "use the Jinja chat template", off="--no-jinja"),
    _value("--chat-template", "chat_template", text, "TEMPLATE $CHAT_TEMPLATE", "chat template, or the name of one"),
    _value("--chat-template-file", "chat_template", file_text, "FNAME $CHAT_TEMPLATE_FILE", "file with the template"),
    _value(
        "--reasoning-format", "reasoning_format", choice("common_reasoning_format", _REASONING), "FORMAT", "thoughts"
    ),
    _value("--reasoning-budget", "sampling.reasoning_budget_tokens", integer, "N $THINK_BUDGET", "thinking tokens"),
    _switch("-sp --special", "special", "", "print special tokens"),
    _value("-s --seed", "sampling.seed", seed, "SEED", "seed, -1 = random"),
    _value("--temp --temperature", "sampling.temp", number, "N $TEMPERATURE", "temperature"),
    _value("--top-k", "sampling.top_k", integer, "N $TOP_K", "top-k sampling, 0 = off"),
    _value("--top-p", "sampling.top_p", number, "N $TOP_P", "top-p sampling, 1.0 = off"),
    _value("--min-p", "sampling.min_p", number, "N $MIN_P", "min-p sampling, 0.0 = off"),
    _value("--repeat-last-n", "sampling.penalty_last_n", integer, "N", "tokens to consider for penalties"),
    _value("--repeat-penalty", "sampling.penalty_repeat", number, "N $REPEAT_PENALTY", "penalty for repetition"),
    _value("--presence-penalty", "sampling.penalty_present", number, "N $PRESENCE_PENALTY", "penalty for presence"),
    _value("--frequency-penalty", "sampling.penalty_freq", number, "N $FREQUENCY_PENALTY", "penalty for frequency"),
    _switch("--ignore-eos", "sampling.ignore_eos", "", "generate on after the end"),
)

_LOG: tuple[Flag, ...] = (
    _value(
        "-lv --verbosity --log-verbosity", "verbosity", integer, "N $LOG_VERBOSITY", "0 silent ... 3 usual ... 5 debug"
    ),
    _switch("-v --verbose --log-verbose", "verbosity", "", "log everything", on=2**31 - 1),
)

FLAGS: tuple[Flag, ...] = _MODEL + _MEMORY + _DEVICES + _SERVER + _CHAT + _LOG
"""Every flag that sets a parameter, in the order in which they are shown."""

_CANNOT_DOWNLOAD = "the embedded llama.cpp cannot download: download the file, or use llama-server"
_NO_SSL = "the embedded llama.cpp is built without SSL: end TLS in front of it, or use llama-server"
_NO_ROUTER = "the embedded llama.cpp serves one model: name it with --model, or use llama-server"
_NO_DRAFT = "the embedded llama.cpp takes no draft model: use llama-server"
_NO_LOG_SHAPE = "the embedded llama.cpp logs to stderr in one form only: use llama-server"

REFUSALS: tuple[Refusal, ...] = (
    Refusal(("-hf", "-hfr", "--hf-repo", "-hff", "--hf-file", "-hft", "--hf-token"), _CANNOT_DOWNLOAD),
    Refusal(("-mu", "--model-url", "-mmu", "--mmproj-url", "-dr", "--docker-repo"), _CANNOT_DOWNLOAD),
    Refusal(("--ssl-key-file", "--ssl-cert-file"), _NO_SSL),
    Refusal(("--models-dir", "--models-preset", "--models-max"), _NO_ROUTER),
    Refusal(("--models-autoload", "--no-models-autoload"), _NO_ROUTER),
    Refusal(("--log-file", "--log-disable", "--log-jsonl", "--log-colors"), _NO_LOG_SHAPE),
    Refusal(("--log-prefix", "--no-log-prefix", "--log-timestamps", "--no-log-timestamps"), _NO_LOG_SHAPE),
    Refusal(("-md", "--model-draft", "--spec-draft-model", "--spec-type"), _NO_DRAFT),
    Refusal(("-dev", "--device"), "choose devices with CUDA_VISIBLE_DEVICES and its like, or use llama-server"),
    Refusal(("--mlock",), "removed from llama.cpp: use --load-mode mlock"),
    Refusal(("--no-mmap",), "removed from llama.cpp: use --load-mode none"),
    Refusal(("--mmap",), "removed from llama.cpp: use --load-mode mmap"),
)


def index_by_name(flags: Iterable[Flag]) -> dict[str, Flag]:
    """Every name of every flag, the opposite names included."""
    return {name: flag for flag in flags for name in (*flag.names, *flag.off_names)}


def reason_against(name: str) -> str:
    """Why a name that is no flag here is refused, and what to do about it."""
    known = (refusal.reason for refusal in REFUSALS if name in refusal.names)
    return next(known, "no flag of the embedded llama.cpp: --help lists them")
