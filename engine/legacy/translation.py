"""What each key of an old configuration becomes here.

A key that is missing had a default, and the server ran with it: so the default is written out where ours is another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.legacy.arguments import move_arguments
from engine.legacy.draft import Draft
from engine.legacy.places import find_file, find_script, find_server

_MOVES: tuple[tuple[str, str, object], ...] = (
    ("server.port", "port", 8001),
    ("model.context_size", "ctx_size", 4096),
    ("server.parallel", "parallel", 1),
    ("model.threads", "threads", 8),
    ("server.host", "host", "127.0.0.1"),
    ("tags", "tags", None),
    ("healthcheck.type", "healthcheck.type", None),
    ("healthcheck.path", "healthcheck.path", None),
    ("healthcheck.interval", "healthcheck.interval", None),
    ("healthcheck.timeout", "healthcheck.timeout", None),
    ("healthcheck.retries", "healthcheck.retries", None),
    ("healthcheck.start_period", "healthcheck.start_period", None),
    ("healthcheck.warmup_enabled", "healthcheck.warmup_enabled", None),
    ("healthcheck.warmup_prompt", "healthcheck.warmup_prompt", None),
    ("restart_policy.max_retries", "restart_policy.max_retries", None),
    ("restart_policy.backoff_multiplier", "restart_policy.multiplier", None),
    ("restart_policy.initial_delay", "restart_policy.initial_delay", None),
    ("restart_policy.max_delay", "restart_policy.max_delay", None),
    ("logs.max_size_mb", "logs.max_size_mb", None),
    ("logs.rotation", "logs.backups", None),
)
"""Old key, new key, and the old default where it matters to the server."""

_IDENTITY = ("schema_version", "instance_uid", "instance_no", "display_name", "created_at", "updated_at", "sort_order")
_DEVICE_VARIABLES = {"vulkan": "GGML_VULKAN_DEVICE", "cuda": "CUDA_VISIBLE_DEVICES"}
_BINARY_KEYS = ("binary_id", "version", "variant", "source_url", "sha256")


@dataclass(frozen=True, slots=True)
class Translation:
    """An instance's table for config.toml, not yet checked, and what a person should know about it."""

    table: dict[str, object]
    remarks: tuple[str, ...]


def translate(
    raw: dict[str, object], name: str, config_folder: Path, root: Path, environ: Mapping[str, str]
) -> Translation:
    """The table that `raw`, a ``config.json`` in `config_folder`, amounts to; `name` is what it was called."""
    draft = Draft(raw)
    draft.take("name")
    _move_model(draft, config_folder, root)
    for old, new, default in _MOVES:
        draft.move(old, new, default)
    _move_gpu(draft)
    move_arguments(draft, name, root, lambda text: find_file(text, config_folder, root))
    _move_health(draft, config_folder, root, environ)
    _move_restart(draft)
    _move_binary(draft, root)
    draft.leave_out("logs lie in logs/NAME/stdout.log and stderr.log", "logs.stdout", "logs.stderr")
    draft.leave_out("bookkeeping of llama-orchestrator", *_IDENTITY, "parameter_mutability", "model_metadata")
    draft.name_the_rest()
    return Translation(draft.table, tuple(draft.remarks))


def _move_model(draft: Draft, config_folder: Path, root: Path) -> None:
    path = draft.take("model.path")
    if isinstance(path, str) and path:
        place = find_file(path, config_folder, root)
        draft.set("model", place.path)
        if place.doubt:
            draft.remark("model", place.doubt)
    elif path is not None:
        draft.set("model", path)


def _move_gpu(draft: Draft) -> None:
    backend, device, layers = draft.take("gpu.backend"), draft.take("gpu.device_id"), draft.take("gpu.layers")
    env = draft.take("env")
    if env is not None:
        draft.set("env", env)
    if backend in (None, "cpu"):
        draft.set("gpu_layers", 0)
        if layers:
            draft.remark("gpu.layers", f"{layers} left out: with backend cpu the server was not told of them")
        if device:
            draft.remark("gpu.device_id", f"{device} left out: backend cpu uses no device")
        return
    draft.set("gpu_layers", 0 if layers is None else layers)
    draft.remark("gpu.backend", f"{backend} left out: the server program itself decides which GPUs it can use")
    _move_device(draft, backend, 0 if device is None else device)


def _move_device(draft: Draft, backend: object, device: object) -> None:
    variable = _DEVICE_VARIABLES.get(backend) if isinstance(backend, str) else None
    if variable is None:
        draft.remark("gpu.device_id", f"{device} left out: the server was not told of it with backend {backend}")
        return
    env = draft.table.setdefault("env", {})
    if isinstance(env, dict) and variable in env:
        draft.remark("gpu.device_id", f"{device} left out: env {variable} decided already")
    elif isinstance(env, dict):
        env[variable] = str(device)
        hint = "; today's llama.cpp reads GGML_VK_VISIBLE_DEVICES instead" if backend == "vulkan" else ""
        draft.remark("gpu.device_id", f"{device} became env {variable}, as the server was told{hint}")


def _move_health(draft: Draft, config_folder: Path, root: Path, environ: Mapping[str, str]) -> None:
    statuses = draft.take("healthcheck.expected_status")
    if isinstance(statuses, list) and statuses:
        kept = 200 if 200 in statuses else statuses[0]
        draft.set("healthcheck.expected_status", kept)
        if others := [str(status) for status in statuses if status != kept]:
            draft.remark("healthcheck.expected_status", f"only {kept} is healthy now, {', '.join(others)} left out")
    elif statuses not in (None, []):
        draft.set("healthcheck.expected_status", statuses)
    _move_script(draft, config_folder, root, environ)
    body = draft.take("healthcheck.expected_body")
    if isinstance(body, str):
        draft.set("healthcheck.expected_body", body)
    elif body is not None:
        draft.remark("healthcheck.expected_body", f"left out: {body!r} is no text")
    draft.leave_out(
        "checks come at even intervals, without a delay of their own",
        *(f"healthcheck.{key}" for key in ("retry_delay", *(f"backoff_{one}" for one in _BACKOFF))),
    )


_BACKOFF = ("enabled", "base", "max", "jitter")


def _move_script(draft: Draft, config_folder: Path, root: Path, environ: Mapping[str, str]) -> None:
    script = draft.take("healthcheck.custom_script")
    if script is None:
        return
    program = find_script(script, config_folder, root, environ) if isinstance(script, str) else None
    if program is not None:
        draft.set("healthcheck.custom_script", program)
        return
    health = draft.table.get("healthcheck")
    is_used = isinstance(health, dict) and health.get("type") == "custom"
    draft.remark(
        "healthcheck.custom_script",
        "left out: not one program that is there, but a line for a shell; put it into a script and name that"
        + ("; until then the health is asked over HTTP" if is_used else ""),
    )
    if is_used:
        draft.set("healthcheck.type", "http")


def _move_restart(draft: Draft) -> None:
    match draft.take("restart_policy.enabled"):
        case False:
            draft.set("restart_policy.policy", "never")
        case True | None:
            draft.set("restart_policy.policy", "always")
        case other:
            draft.remark("restart_policy.enabled", f"left out: {other!r} is neither true nor false")


def _move_binary(draft: Draft, root: Path) -> None:
    binary = {key: draft.take(f"binary.{key}") for key in _BINARY_KEYS}
    given = [f"binary.{key}" for key, value in binary.items() if value is not None]
    if not given:
        return
    program = find_server(binary, root)
    if program is None:
        draft.remarks.append(
            f"left out: {', '.join(given)}: no llama-server of it for this machine lies in {root / 'bins'};"
            " [server] binary decides"
        )
        return
    draft.set("binary", program)
    draft.remarks.append(f"{', '.join(given)}: became binary = {program}")
