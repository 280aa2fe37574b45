"""The systemd unit. Everything in it that keeps models alive is there on purpose, and tested."""

from __future__ import annotations

from pathlib import Path

from engine.errors import ExitCode
from llama_orch_tui.services.plan import SERVICE, STOP_LIMIT_S, Plan, RemoveFile, RunCommand, ServiceFacts, WriteFile

UNIT = f"{SERVICE}.service"
SYSTEM_FOLDER = Path("/etc/systemd/system")
WATCHDOG_S = 60
RESTART_DELAY_S = 2
NO_SESSION = "it needs a login session of your own (not su or sudo, no container); without one, use `--system`"
# Its own word for "there is one already", and a database that a restart does not mend.
HOPELESS = (ExitCode.DAEMON_ALREADY_RUNNING, ExitCode.STATE_DAMAGED)

_UNIT = """\
[Unit]
Description=llama-orch-tui: supervises llama.cpp servers
{after}
[Service]
Type=notify
NotifyAccess=main
ExecStart={command}
ExecReload=kill -HUP $MAINPID
{user}{environment}
# The models run on when the daemon ends: only its own process is ever stopped or killed, and a model
# that the kernel kills for memory does not take the others along. No sandbox: models would inherit it.
KillMode=process
OOMPolicy=continue
WatchdogSec={watchdog}
TimeoutStopSec={stop}
Restart=on-failure
RestartSec={delay}
RestartPreventExitStatus={hopeless}

[Install]
WantedBy={wanted_by}
"""


def build_unit(facts: ServiceFacts) -> str:
    """The text of the unit file."""
    return _UNIT.format(
        after="After=network.target\n" if facts.is_system else "",
        command=" ".join(_quote(part, is_command=True) for part in facts.argv),
        user=f"User={facts.user}\n" if facts.is_system else "",
        environment="\n".join(f"Environment={_quote(f'{name}={value}')}" for name, value in facts.environment),
        watchdog=WATCHDOG_S,
        stop=STOP_LIMIT_S,
        delay=RESTART_DELAY_S,
        hopeless=" ".join(str(int(code)) for code in HOPELESS),
        wanted_by="multi-user.target" if facts.is_system else "default.target",
    )


def plan_install(facts: ServiceFacts) -> Plan:
    """Write the unit, start it now and with every login (or boot)."""
    notes = [f"`{_say(facts)} status {UNIT}` tells how it is; `journalctl {_scope(facts)}-u {UNIT}` what it said."]
    if not facts.is_system:
        notes.append(
            f"It ends with your last session, and systemd then ends the models, too. To keep both running: "
            f"loginctl enable-linger {facts.user}"
        )
    return Plan(
        (
            WriteFile(_unit_path(facts), build_unit(facts)),
            _systemctl(facts, "daemon-reload"),
            _systemctl(facts, "enable", UNIT),
            _systemctl(facts, "restart", UNIT),
        ),
        tuple(notes),
    )


def plan_uninstall(facts: ServiceFacts) -> Plan:
    """Stop it and take the unit away; the models run on."""
    return Plan(
        (
            _systemctl(facts, "disable", "--now", UNIT, may_fail=True),
            RemoveFile(_unit_path(facts)),
            _systemctl(facts, "daemon-reload", may_fail=True),
        ),
        ("The models run on; `llama-orch-tui stop --all` stops them.",),
    )


def _unit_path(facts: ServiceFacts) -> Path:
    return (SYSTEM_FOLDER if facts.is_system else facts.config_home / "systemd" / "user") / UNIT


def _systemctl(facts: ServiceFacts, *arguments: str, may_fail: bool = False) -> RunCommand:
    return RunCommand((*_say(facts).split(), *arguments), may_fail, "" if facts.is_system else NO_SESSION)


def _say(facts: ServiceFacts) -> str:
    return "systemctl" if facts.is_system else "systemctl --user"


def _scope(facts: ServiceFacts) -> str:
    return "" if facts.is_system else "--user "


def _quote(text: str, *, is_command: bool = False) -> str:
    """One word of a unit file: ``%`` means something everywhere, ``$`` in commands."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped.replace("$", "$$") if is_command else escaped}"'
