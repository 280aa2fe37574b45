"""Every path this program uses, from one home.

`LLAMA_ORCH_HOME=DIR` puts everything under DIR; else the platform's own folders are used.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

APP_NAME = "llama-orch-tui"
HOME_VARIABLE = "LLAMA_ORCH_HOME"
RUN_VARIABLE = "LLAMA_ORCH_RUN"
"""Carried by every process of ours as ``NAME:RUNID``: the instance token."""

SOCKET_PATH_LIMIT = 103
"""Bytes a Unix socket's path may hold on every system (107 on Linux, 103 on macOS)."""


@dataclass(frozen=True, slots=True)
class Home:
    """Where configuration, state, logs, run files and caches lie."""

    config_file: Path
    state_dir: Path
    cache_dir: Path

    @property
    def state_file(self) -> Path:
        """The SQLite database; opened only through sqlite3."""
        return self.state_dir / "state.sqlite"

    @property
    def run_dir(self) -> Path:
        """Locks, run records and exit records: must survive logout and temp cleaners."""
        return self.state_dir / "run"

    @property
    def logs_dir(self) -> Path:
        """One folder for each instance."""
        return self.state_dir / "logs"

    @property
    def supervisor_lock(self) -> Path:
        """Whoever holds it leads."""
        return self.state_dir / "supervisor.lock"

    @property
    def ui_file(self) -> Path:
        """What the console remembers of its operator's choices (columns, order, theme …)."""
        return self.state_dir / "ui.json"

    @property
    def leader_record(self) -> Path:
        """Who leads, for people and followers; the lock alone proves it."""
        return self.run_dir / "leader"

    @property
    def leader_socket(self) -> Path:
        """Where the leader takes requests."""
        return self._socket("leader.sock")

    @property
    def config_lock(self) -> Path:
        """Held while the configuration file is edited."""
        return self.state_dir / "config.lock"

    @property
    def daemon_lock(self) -> Path:
        """Held by the daemon for its whole life, whether it leads or stands by."""
        return self.state_dir / "daemon.lock"

    @property
    def daemon_record(self) -> Path:
        """Who the daemon is, for people; the lock alone proves it."""
        return self.run_dir / "daemon"

    @property
    def daemon_dir(self) -> Path:
        """The daemon's own log, and what it said on stderr when it was started in the background."""
        return self.state_dir / "daemon"

    def instance_logs(self, name: str) -> Path:
        """The log folder of one instance."""
        return self.logs_dir / name

    def instance_crashes(self, name: str) -> Path:
        """The folder with one instance's crash reports."""
        return self.state_dir / "crashes" / name

    @property
    def console_crashes(self) -> Path:
        """The folder with reports of what went wrong in the console itself; no instance can have this name."""
        return self.state_dir / "crashes" / "_console"

    def instance_lock(self, name: str) -> Path:
        """Held by an instance's keeper and inherited by its server."""
        return self.run_dir / f"{name}.lock"

    def run_record(self, name: str) -> Path:
        """Written by the keeper when its server is executed."""
        return self.run_dir / f"{name}.run"

    def exit_record(self, name: str) -> Path:
        """Written by the keeper when its server has ended."""
        return self.run_dir / f"{name}.exit"

    def keeper_socket(self, name: str) -> Path:
        """Where an instance's keeper takes orders."""
        return self._socket(f"{name}.ctl")

    def _socket(self, file_name: str) -> Path:
        """In the run folder where the path is short enough for a socket, else in a short private folder."""
        here = self.run_dir / file_name
        if len(os.fsencode(here)) <= SOCKET_PATH_LIMIT:
            return here
        import hashlib  # noqa: PLC0415 - OpenSSL comes along, and few homes are so deep

        digest = hashlib.blake2s(os.fsencode(here), digest_size=8).hexdigest()
        return short_socket_dir() / f"{digest}.sock"

    def environment(self) -> dict[str, str]:
        """The variable that leads a child process to this home."""
        return {HOME_VARIABLE: str(self.state_dir)}


def state_backup(state_file: Path, version: int, ts: float) -> Path:
    """Where a copy of the database lies that was made at `ts` (wall clock), before it was brought from `version` on."""
    made = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(ts))
    return state_file.with_name(f"{state_file.stem}.{made}.v{version}.backup")


def find_state_backups(state_file: Path) -> list[Path]:
    """Every copy of the database, the oldest first."""
    return sorted(state_file.parent.glob(f"{state_file.stem}.*.v*.backup"))


def short_socket_dir() -> Path:
    """The private folder (0700) for sockets whose natural path is too long; its owner checks it before use."""
    if sys.platform == "win32":
        return Path(os.environ.get("TEMP", "C:\\Temp")) / "lorch-user"
    # Not TMPDIR: a shell and a service that have another one each must meet.
    return Path("/tmp") / f"lorch-{os.getuid()}"  # noqa: S108 - see above; nothing in it is trusted that is not ours


def user_home(environ: Mapping[str, str]) -> Path:
    """The user's own home folder, as the environment names it."""
    named = environ.get("USERPROFILE" if os.name == "nt" else "HOME", "")
    return Path(named) if named else Path.home()


def find_home(environ: Mapping[str, str]) -> Home:
    """The home that the environment names, or the platform's own folders."""
    if folder := environ.get(HOME_VARIABLE, ""):
        root = Path(folder).expanduser().absolute()
        return Home(root / "config.toml", root, root / "cache")
    import platformdirs  # noqa: PLC0415 - the keeper imports this module without site-packages

    return Home(
        platformdirs.user_config_path(APP_NAME, appauthor=False) / "config.toml",
        platformdirs.user_state_path(APP_NAME, appauthor=False),
        platformdirs.user_cache_path(APP_NAME, appauthor=False),
    )
