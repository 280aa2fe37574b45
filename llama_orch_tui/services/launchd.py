"""The launchd property list, for macOS."""

from __future__ import annotations

import plistlib
from pathlib import Path

from llama_orch_tui.services.plan import STOP_LIMIT_S, Plan, RemoveFile, RunCommand, ServiceFacts, WriteFile

LABEL = "io.github.llama-orch-tui"


def build_plist(facts: ServiceFacts) -> str:
    """The text of the property list."""
    said = str(facts.state_dir / "daemon" / "launchd.log")
    table: dict[str, object] = {
        "Label": LABEL,
        "ProgramArguments": list(facts.argv),
        "EnvironmentVariables": dict(facts.environment),
        "RunAtLoad": True,
        # Restarted when it crashed, left alone when it was told to end.
        "KeepAlive": {"SuccessfulExit": False},
        # The models run on when the daemon ends.
        "AbandonProcessGroup": True,
        "ExitTimeOut": STOP_LIMIT_S,
        # Not throttled: its models would be, too.
        "ProcessType": "Interactive",
        "StandardOutPath": "/dev/null",
        "StandardErrorPath": said,
    }
    if facts.is_system:
        table["UserName"] = facts.user
    return plistlib.dumps(table, sort_keys=False).decode()


def plan_install(facts: ServiceFacts) -> Plan:
    """Write the list and load it; what was loaded before goes first."""
    path = _path(facts)
    return Plan(
        (
            RunCommand(("launchctl", "bootout", f"{_domain(facts)}/{LABEL}"), may_fail=True),
            WriteFile(path, build_plist(facts)),
            RunCommand(("launchctl", "enable", f"{_domain(facts)}/{LABEL}")),
            RunCommand(("launchctl", "bootstrap", _domain(facts), str(path))),
        ),
        (f"`launchctl print {_domain(facts)}/{LABEL}` tells how it is.",),
    )


def plan_uninstall(facts: ServiceFacts) -> Plan:
    """Unload it and take the list away; the models run on."""
    return Plan(
        (
            RunCommand(("launchctl", "bootout", f"{_domain(facts)}/{LABEL}"), may_fail=True),
            RemoveFile(_path(facts)),
        ),
        ("The models run on; `llama-orch-tui stop --all` stops them.",),
    )


def _path(facts: ServiceFacts) -> Path:
    folder = Path("/Library/LaunchDaemons") if facts.is_system else facts.user_home / "Library" / "LaunchAgents"
    return folder / f"{LABEL}.plist"


def _domain(facts: ServiceFacts) -> str:
    return "system" if facts.is_system else f"gui/{facts.user_id}"
