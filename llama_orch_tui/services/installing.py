"""`daemon install`, `daemon uninstall`: the plan of this system, shown or carried out."""

from __future__ import annotations

import getpass
import os
import shutil
import sys

import engine
from engine.daemon.identity import find_daemon
from engine.errors import EngineError, ExitCode
from llama_orch_tui import output
from llama_orch_tui.services import launchd, nssm, systemd
from llama_orch_tui.services.plan import Plan, ServiceFacts, gather_facts
from llama_orch_tui.services.runner import carry_out_plan, show_plan


def install(*, is_system: bool, is_dry_run: bool) -> int:
    """Have the system start the daemon; one that runs already makes way, and the models run on.

    Raises:
        EngineError: a step failed, or this system's service manager is not there. Who made way is there again, or
            why not was said on stderr.
    """
    plan = plan_install(_gather(is_system=is_system))
    if is_dry_run or find_daemon(engine.find_home(os.environ)) is None:
        return _go(plan, is_dry_run=is_dry_run)
    from llama_orch_tui.daemon_control import stop  # noqa: PLC0415 - for this case only

    stop(stops_instances=False)
    try:
        return _go(plan, is_dry_run=False)
    except EngineError:
        _bring_back()
        raise


def uninstall(*, is_system: bool, is_dry_run: bool) -> int:
    """Have the system start it no more; the models run on.

    Raises:
        EngineError: a step failed, or this system's service manager is not there.
    """
    return _go(plan_uninstall(_gather(is_system=is_system)), is_dry_run=is_dry_run)


def plan_install(facts: ServiceFacts, platform: str = sys.platform) -> Plan:
    """What installing comes to on `platform`.

    Raises:
        EngineError: NSSM is not there.
    """
    if platform == "win32":
        return nssm.plan_install(facts, _find_nssm())
    if platform == "darwin":
        return launchd.plan_install(facts)
    return systemd.plan_install(facts)


def plan_uninstall(facts: ServiceFacts, platform: str = sys.platform) -> Plan:
    """What removing comes to on `platform`.

    Raises:
        EngineError: NSSM is not there.
    """
    if platform == "win32":
        return nssm.plan_uninstall(_find_nssm())
    if platform == "darwin":
        return launchd.plan_uninstall(facts)
    return systemd.plan_uninstall(facts)


def _bring_back() -> None:
    """Start the daemon again that made way, unless the service's own runs by now."""
    from llama_orch_tui.daemon_control import start  # noqa: PLC0415 - for this case only

    try:
        start()
    except EngineError as error:
        if error.exit_code is not ExitCode.DAEMON_ALREADY_RUNNING:
            output.say_error(f"the daemon that made way is not there again: {error}")


def _go(plan: Plan, *, is_dry_run: bool) -> int:
    if is_dry_run:
        show_plan(plan)
    else:
        carry_out_plan(engine.find_home(os.environ), plan)
    return 0


def _gather(*, is_system: bool) -> ServiceFacts:
    # Under sudo the machine's service is the caller's, not root's.
    user = (is_system and os.environ.get("SUDO_USER")) or getpass.getuser()
    return gather_facts(engine.find_home(os.environ), os.environ, user, _read_user_id(), is_system=is_system)


def _read_user_id() -> int:
    """0 where users have no numbers."""
    if sys.platform == "win32":
        return 0
    return os.getuid()


def _find_nssm() -> str:
    found = shutil.which("nssm")
    if found is None:
        raise EngineError(nssm.NOT_FOUND)
    return found
