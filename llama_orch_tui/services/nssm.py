"""The Windows service, through NSSM (the Non-Sucking Service Manager)."""

from __future__ import annotations

from engine.errors import ExitCode
from llama_orch_tui.services.plan import SERVICE, STOP_LIMIT_S, Plan, RunCommand, ServiceFacts

HOME_VARIABLE = "LLAMA_ORCH_HOME"
NOT_FOUND = "nssm: not on PATH; install it (winget install NSSM.NSSM, or https://nssm.cc), then retry"


def plan_install(facts: ServiceFacts, nssm: str) -> Plan:
    """Make the service, set what it needs, start it. `nssm` is the program's path."""
    program, *arguments = facts.argv
    # A service has another home folder than its user, so the state folder is always named.
    environment = {**dict(facts.environment), HOME_VARIABLE: str(facts.state_dir)}
    settings: tuple[tuple[str, ...], ...] = (
        ("AppEnvironmentExtra", *(f"{name}={value}" for name, value in environment.items())),
        ("AppDirectory", str(facts.state_dir)),
        # The models run on when the daemon ends: only its own process is stopped.
        ("AppKillProcessTree", "0"),
        ("AppStopMethodConsole", str(STOP_LIMIT_S * 1000)),
        ("AppExit", "Default", "Restart"),
        ("AppExit", str(int(ExitCode.OK)), "Exit"),
        ("AppExit", str(int(ExitCode.DAEMON_ALREADY_RUNNING)), "Exit"),
        ("AppExit", str(int(ExitCode.STATE_DAMAGED)), "Exit"),
        ("Start", "SERVICE_AUTO_START"),
    )
    return Plan(
        (
            RunCommand((nssm, "install", SERVICE, program, *arguments)),
            *(RunCommand((nssm, "set", SERVICE, *setting)) for setting in settings),
            RunCommand((nssm, "start", SERVICE)),
        ),
        (f"It runs as LocalSystem until you give it your account ({facts.user}): nssm edit {SERVICE}, tab Log on.",),
    )


def plan_uninstall(nssm: str) -> Plan:
    """Stop the service and take it away; the models run on."""
    return Plan(
        (
            RunCommand((nssm, "stop", SERVICE), may_fail=True),
            RunCommand((nssm, "remove", SERVICE, "confirm")),
        ),
        ("The models run on; `llama-orch-tui stop --all` stops them.",),
    )
