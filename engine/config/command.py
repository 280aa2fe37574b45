"""The command line and environment that an instance's table makes."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from engine.config.binary import BinaryKind, ServerBinary, which, why_not_executable
from engine.config.redact import redact_argv
from engine.config.schema import InstanceConfig
from engine.errors import BinaryNotFoundError, StartFailedError

API_KEY_VARIABLE = "LLAMA_API_KEY"

_SERVER_VARIABLES = "LLAMA_ARG_"
_MODEL_FLAGS = ("-m", "--model")
_PLACEHOLDER = re.compile(r"\{(port|host|name)\}")
_MAX_KEY_FILE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class ServerCommand:
    """Everything that a launch needs to name."""

    argv: tuple[str, ...]
    env: dict[str, str] = field(repr=False)
    """The whole environment; may hold secrets."""
    redacted: tuple[str, ...]
    """`argv` as it may be shown and stored."""
    cwd: str
    api_key: str = field(repr=False)
    """What probes send; empty when the server wants none."""


def build_command(
    name: str, instance: InstanceConfig, server: ServerBinary | None, port: int | None, environ: Mapping[str, str]
) -> ServerCommand:
    """What to execute for `instance`, under the caller's `environ`.

    `server` is the found binary, None for an instance with a `command`; `port` is the one chosen for this run,
    None only for an instance whose own port is None.

    Raises:
        BinaryNotFoundError: the program of `command` is not there.
        StartFailedError: the key file or the working folder is missing, or the embedded server is to download.
        ValueError: `server` or `port` is None for an instance that needs it.
    """
    api_key = load_api_key(name, instance)
    env = _build_env(instance, environ, api_key)
    if instance.command is None:
        argv = _server_argv(name, instance, server, port)
    else:
        argv = _program_argv(name, instance, instance.command, port, env)
        env |= {"HOST": instance.host} | ({} if port is None else {"PORT": str(port)}) | instance.env
    return ServerCommand(
        argv, env, redact_argv(argv), _working_folder(name, instance, environ), _asked_key(instance, env, api_key)
    )


def find_api_key(name: str, instance: InstanceConfig, environ: Mapping[str, str]) -> str:
    """The key that a server of `instance` asks its clients for; empty when it wants none. Reads the key's file.

    Raises:
        StartFailedError: that file cannot be read.
    """
    api_key = load_api_key(name, instance)
    return _asked_key(instance, _build_env(instance, environ, api_key), api_key)


def _asked_key(instance: InstanceConfig, env: Mapping[str, str], api_key: str) -> str:
    """A key from the caller's own environment guards a llama-server, too: whoever asks it must know it."""
    return env.get(API_KEY_VARIABLE, "") if instance.command is None else api_key


def binding_warning(host: str) -> str:
    """A sentence when a server on `host` can be reached from other machines; empty for this machine alone."""
    if host.lower() == "localhost":
        return ""
    try:
        if ipaddress.ip_address(host.partition("%")[0]).is_loopback:
            return ""
    except ValueError:  # a host name: where it leads is not known here
        return f'host {host} may be reachable from other machines; set an API key, or host = "127.0.0.1"'
    return f'listens on {host}, reachable from other machines; set an API key, or host = "127.0.0.1"'


def model_label(instance: InstanceConfig) -> str:
    """What an instance runs, short: the model's file name, ``owner/repo:quant``, or the program's name."""
    if instance.hf is not None:
        return instance.hf
    if instance.model is not None:
        return Path(instance.model).name
    return _program_label(instance.command) if instance.command else ""


def _program_label(command: tuple[str, ...]) -> str:
    """The model that a program is told to serve, or else the program's name."""
    for flag, value in pairwise(command):
        if flag in _MODEL_FLAGS:
            return Path(value).name
    return Path(command[0]).name


def _server_argv(name: str, instance: InstanceConfig, server: ServerBinary | None, port: int | None) -> tuple[str, ...]:
    if server is None or port is None:
        raise ValueError(f"{name}: a llama.cpp server needs a binary and a port")
    if instance.hf is not None and server.kind is BinaryKind.EMBEDDED:
        raise StartFailedError(
            f"{name}: hf = {instance.hf}: the embedded server cannot download models; fetch the GGUF file and name it "
            "with `model`, or install llama-server and set `[server] binary`"
        )
    return (*server.argv, *_server_flags(instance, port), *instance.args)


def _server_flags(instance: InstanceConfig, port: int) -> Iterator[str]:
    settings = (
        ("--model", instance.model),
        ("--hf-repo", instance.hf),
        ("--host", instance.host),
        ("--port", port),
        ("--ctx-size", instance.ctx_size),
        ("--parallel", instance.parallel),
        ("--gpu-layers", instance.gpu_layers),
        ("--threads", instance.threads),
    )
    for flag, value in settings:
        if value is not None:
            yield from (flag, str(value))


def _program_argv(
    name: str, instance: InstanceConfig, command: tuple[str, ...], port: int | None, env: Mapping[str, str]
) -> tuple[str, ...]:
    if port is None and instance.port is not None:
        raise ValueError(f"{name}: its port was not chosen")
    values = {"port": "" if port is None else str(port), "host": instance.host, "name": name}
    # In one pass, so that a value is never looked through for placeholders itself.
    argv = [_PLACEHOLDER.sub(lambda found: values[found[1]], part) for part in (*command, *instance.args)]
    program = which(argv[0], env)
    if not program:
        raise BinaryNotFoundError(
            f"{name}: program {argv[0]}: {why_not_executable(argv[0])}; correct `command` in [instances.{name}]"
        )
    return (program, *argv[1:])


def _build_env(instance: InstanceConfig, environ: Mapping[str, str], api_key: str) -> dict[str, str]:
    # A stray LLAMA_ARG_* would change every server silently, so only the instance's own count.
    env = {name: value for name, value in environ.items() if not name.upper().startswith(_SERVER_VARIABLES)}
    # With a debugger installed, an abort would run it for a second and more before the server dies.
    env["GGML_NO_BACKTRACE"] = "1"
    env |= instance.env
    if api_key:
        env[API_KEY_VARIABLE] = api_key
    return env


def load_api_key(name: str, instance: InstanceConfig) -> str:
    """The key that clients of an instance must send, from its table or its file; empty when it has none.

    Raises:
        StartFailedError: the file cannot be read, or holds no key.
    """
    if not instance.api_key_file:
        return instance.api_key
    path = Path(instance.api_key_file)
    fix = f"write the key there, or correct `api_key_file` in [instances.{name}]"
    try:
        with path.open("rb") as file:
            key = file.read(_MAX_KEY_FILE_BYTES).decode("utf-8-sig").strip()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StartFailedError(f"{name}: API key file {path}: {reason}; {fix}") from error
    except UnicodeDecodeError as error:
        raise StartFailedError(f"{name}: API key file {path}: is not text in UTF-8; {fix}") from error
    if not key:
        raise StartFailedError(f"{name}: API key file {path}: is empty; {fix}")
    if not key.isprintable():
        raise StartFailedError(f"{name}: API key file {path}: holds more than one line; {fix}")
    return key


def _working_folder(name: str, instance: InstanceConfig, environ: Mapping[str, str]) -> str:
    home = environ.get("USERPROFILE" if os.name == "nt" else "HOME", "")
    folder = Path(instance.cwd or home or Path.home()).absolute()
    if not folder.is_dir():
        raise StartFailedError(
            f"{name}: working folder {folder}: no such folder; make it, or correct `cwd` in [instances.{name}]"
        )
    return str(folder)
