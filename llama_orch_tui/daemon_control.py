"""`daemon start`, `stop`, `status`: acting on a daemon in the background."""

from __future__ import annotations

import os
import sys

import engine
from engine.daemon.identity import DaemonInfo, find_daemon, find_leader, log_path
from engine.daemon.starting import start_daemon
from engine.daemon.stopping import require_daemon, stop_daemon
from engine.errors import ExitCode
from engine.paths import Home
from engine.snapshots import Act, LeaderInfo, Target
from engine.times import format_time
from llama_orch_tui import output

STOP_MARGIN_S = 5.0
"""How much longer than its own time-out a daemon is waited for."""


def start_in_background(home: Home, *options: str) -> DaemonInfo:
    """Start a detached `daemon run` with these options; returns when it stands by or leads.

    Raises:
        DaemonError: there is one already (61), or it could not start (62).
    """
    # -P: the folder one happens to be in holds no modules of ours.
    program = [sys.executable, "-P", "-m", "llama_orch_tui", "daemon", "run", "--detached", *options]
    return start_daemon(home, program, os.environ)


def start() -> int:
    """Start a daemon, and say who it is.

    Raises:
        DaemonError: there is one already (61), or it could not start (62).
        StateError: a newer version keeps this home.
    """
    home = _open_home()
    found = start_in_background(home)
    output.say(f"daemon started: PID {found.pid}, {describe_role(found)}; its log is {found.log_file}")
    return 0


def stop(*, stops_instances: bool) -> int:
    """End the daemon; the models run on unless `stops_instances`.

    Raises:
        DaemonError: there is none (60), or it did not end (63).
        StateError: a newer version keeps this home.
        EngineError: the models could not be stopped; the daemon goes on.
    """
    home = _open_home()
    _refuse_missing(home)
    if stops_instances:
        from llama_orch_tui.acting import carry_out  # noqa: PLC0415 - for this option only

        code = carry_out(Act.STOP, Target(everything=True), waits=False, says_nothing_to_do=False)
        if code:
            output.say_error("the daemon goes on: not every model was stopped")
            return code
    timeout_s = engine.load_config(home.config_file, os.environ).config.daemon.shutdown_timeout + STOP_MARGIN_S
    ended = stop_daemon(home, timeout_s)
    output.say(f"daemon stopped: PID {ended.pid}{'' if stops_instances else '; the models run on'}")
    return 0


def show_status(*, as_json: bool) -> int:
    """Print who the daemon is; 60 when there is none.

    Raises:
        StateError: a newer version keeps this home.
    """
    home = _open_home()
    found = find_daemon(home)
    if as_json:
        output.say_json(status_to_json(home, found))
    elif found is None:
        output.say_error(explain_missing(home))
    else:
        for key, value in _status_rows(home, found):
            output.say(f"{key:<9}{value}")
    return 0 if found else int(ExitCode.DAEMON_NOT_RUNNING)


def status_to_json(home: Home, found: DaemonInfo | None) -> dict[str, object]:
    """The object of `daemon status --json`."""
    leader = found.leader if found else find_leader(home)
    return {
        "running": found is not None,
        "pid": found.pid if found else None,
        "since": format_time(found.since) if found and found.since is not None else None,
        "version": found.version if found else None,
        "role": None if found is None else "leads" if found.leads else "stands by",
        "leader": None if leader is None else output.leader_to_json(leader),
        "home": str(home.state_dir),
        "config": str(home.config_file),
        "socket": str(home.leader_socket),
        "log": str(log_path(home)),
    }


def describe_role(found: DaemonInfo) -> str:
    """A phrase: ``leads``, ``stands by while the dashboard (PID 7) leads``."""
    if found.leads:
        return "leads"
    return f"stands by while {_name(found.leader)} leads" if found.leader else "stands by"


def explain_missing(home: Home) -> str:
    """That there is no daemon, and who leads in its place."""
    leader = find_leader(home)
    who = f"; {_name(leader)} leads" if leader else ""
    return f"no daemon runs{who}; `daemon start` starts one"


def _open_home() -> Home:
    """The home, which is not a newer version's.

    Raises:
        StateError: it is.
    """
    home = engine.find_home(os.environ)
    engine.refuse_newer_database(home.state_file)
    return home


def _refuse_missing(home: Home) -> None:
    """Say who leads when there is no daemon to stop.

    Raises:
        DaemonError: there is none.
    """
    try:
        require_daemon(home)
    except engine.DaemonError as error:
        raise engine.DaemonError(error.exit_code, explain_missing(home)) from error


def _status_rows(home: Home, found: DaemonInfo) -> list[tuple[str, str]]:
    return [
        ("PID", str(found.pid or "not known")),
        ("since", "not known" if found.since is None else format_time(found.since)),
        ("version", found.version or "not known yet"),
        ("role", describe_role(found)),
        ("home", str(home.state_dir)),
        ("config", str(home.config_file)),
        ("socket", str(home.leader_socket)),
        ("log", str(found.log_file)),
    ]


def _name(leader: LeaderInfo | None) -> str:
    return f"the {leader.kind.value} (PID {leader.pid})" if leader else "nobody"
