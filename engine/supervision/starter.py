"""What a worker does to start an instance: check everything that can be refused, then launch. No state of its own."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.config.binary import ServerBinary, find_binary
from engine.config.command import ServerCommand, build_command
from engine.config.schema import InstanceConfig
from engine.errors import ModelNotFoundError, StartFailedError
from engine.paths import Home
from engine.process import system
from engine.process.forking import Forks
from engine.process.launch import Launched, LaunchSpec, LockHeldError, launch
from engine.process.ports import PortBook
from engine.process.program_version import ProgramVersions
from engine.process.records import Record
from engine.process.unlocked import find_unlocked
from engine.process.watcher import KeeperLine, connect_keeper

BYTES_IN_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class StartOrder:
    """One start, with all that it depends on."""

    name: str
    run_id: str
    spec: InstanceConfig
    server_setting: str
    """``[server] binary``; an instance's own ``binary`` goes first."""
    last_port: int | None
    claimed_ports: frozenset[int]
    """Ports of other instances, running or not: ``auto`` leaves them alone."""


@dataclass(frozen=True, slots=True)
class Started:
    """The server was executed (or, `is_adopted`, was found running already)."""

    order: StartOrder
    greeting: Record
    line: KeeperLine | None
    """None when it ended before anybody could connect; its exit record tells how."""
    keeper_child: int | None
    """Its keeper, when this process has to collect it."""
    api_key: str
    is_adopted: bool = False


@dataclass(frozen=True, slots=True)
class LockHeld:
    """Something of it lives, and no keeper answers: an orphan, or a keeper whose files were deleted."""

    order: StartOrder


@dataclass(frozen=True, slots=True)
class Starter:
    """Carries out start orders; may be used by many workers at once."""

    home: Home
    ports: PortBook
    environ: Mapping[str, str]
    versions: ProgramVersions
    forks: Forks
    """Where keepers come from, once there are several."""
    is_demo: bool = False
    """Runs end with their leader, and the last one removes the home."""

    def start(self, order: StartOrder) -> Started | LockHeld:
        """Check and launch. Takes about 30 ms, or 10 when the keeper is forked.

        Raises:
            StartFailedError: (or one of its kinds) refused, before anything was spawned, or failed at exec.
        """
        if find_unlocked(self.home, (order.name,)):
            return LockHeld(order)
        check_model(order.name, order.spec)
        server = self._find_server(order)
        port = self._choose_port(order)
        try:
            command = build_command(order.name, order.spec, server, port, self.environ)
            system.make_private_dir(str(self.home.run_dir))
            launched = launch(self.home, self._build_spec(order, command, server, port), self.forks)
        except LockHeldError:
            self.ports.release(order.name)
            return self._look_at_holder(order)
        except OSError as error:
            self.ports.release(order.name)
            raise StartFailedError(f"{order.name}: {error.filename or ''}: {error.strerror or error}") from error
        except StartFailedError:
            self.ports.release(order.name)
            raise
        return self._connect(order, launched, command)

    def _find_server(self, order: StartOrder) -> ServerBinary | None:
        if order.spec.command is not None:
            return None
        return find_binary(order.spec.binary or order.server_setting, self.environ, order.name)

    def _choose_port(self, order: StartOrder) -> int | None:
        wanted = order.spec.port
        if wanted is None:
            return None
        fixed = wanted if isinstance(wanted, int) else None
        return self.ports.reserve(order.name, order.spec.host, fixed, order.last_port, order.claimed_ports)

    def _build_spec(
        self, order: StartOrder, command: ServerCommand, server: ServerBinary | None, port: int | None
    ) -> LaunchSpec:
        spec = order.spec
        return LaunchSpec(
            name=order.name,
            run_id=order.run_id,
            argv=command.argv,
            env=command.env,
            shown=shlex.join(command.redacted),
            cwd=command.cwd,
            host=spec.host,
            port=port,
            binary=server.path if server else command.argv[0],
            binary_version=self.versions.ask(server) if server else "",
            stop_grace_s=spec.stop_grace,
            max_log_bytes=max(1, int(spec.logs.max_size_mb * BYTES_IN_MB)),
            log_backups=spec.logs.backups,
            is_tethered=self.is_demo,
            removes_home=self.is_demo,
        )

    def _connect(self, order: StartOrder, launched: Launched, command: ServerCommand) -> Started:
        line = connect_keeper(order.name, self.home.keeper_socket(order.name))
        child = launched.keeper_pid if launched.is_child else None
        return Started(order, launched.greeting, line, child, command.api_key)

    def _look_at_holder(self, order: StartOrder) -> Started | LockHeld:
        line = connect_keeper(order.name, self.home.keeper_socket(order.name))
        return LockHeld(order) if line is None else Started(order, line.greeting, line, None, "", is_adopted=True)


def check_model(name: str, spec: InstanceConfig) -> None:
    """Refuse a model file that is missing, a folder, or unreadable.

    Raises:
        ModelNotFoundError: with the path and the reason.
    """
    if spec.model is None:
        return
    path = Path(spec.model)
    if path.is_dir():
        raise ModelNotFoundError(name, spec.model, "is a folder, not a GGUF file")
    if not path.exists():
        raise ModelNotFoundError(name, spec.model)
    if not os.access(path, os.R_OK):
        raise ModelNotFoundError(name, spec.model, "permission denied")
