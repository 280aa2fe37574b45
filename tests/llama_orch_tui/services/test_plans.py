"""What each system's service manager is told: every setting that keeps models alive when the daemon stops."""

from __future__ import annotations

import plistlib
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import EngineError, ExitCode, UsageError
from engine.paths import HOME_VARIABLE, find_home
from llama_orch_tui.services import launchd, nssm, systemd
from llama_orch_tui.services.installing import plan_install, plan_uninstall
from llama_orch_tui.services.plan import Plan, RemoveFile, RunCommand, ServiceFacts, WriteFile, gather_facts
from llama_orch_tui.services.runner import carry_out_plan
from tests.fakes.homes import throw_away_home

ANALYZE = shutil.which("systemd-analyze") or ""
HOME = Path("/home/ann/lorch home")
FACTS = ServiceFacts(
    argv=("/opt/100% $py/python", "-P", "-m", "llama_orch_tui", "daemon", "run"),
    environment=(("PATH", '/usr/bin:/opt/"llama" $x'), (HOME_VARIABLE, str(HOME))),
    state_dir=HOME,
    user="ann",
    user_id=1000,
    user_home=Path("/home/ann"),
    config_home=Path("/home/ann/.config"),
    is_system=False,
)
SYSTEM = replace(FACTS, is_system=True)


def commands(plan: Plan) -> list[tuple[str, ...]]:
    return [step.argv for step in plan.steps if isinstance(step, RunCommand)]


def written(plan: Plan) -> WriteFile:
    (found,) = [step for step in plan.steps if isinstance(step, WriteFile)]
    return found


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("KillMode=process", id="only the daemon is stopped"),
        pytest.param("OOMPolicy=continue", id="a model out of memory is one model less"),
        pytest.param("Type=notify", id="ready means that it leads or stands by"),
        pytest.param("NotifyAccess=main", id="no model speaks for it"),
        pytest.param("WatchdogSec=60", id="a hung one is replaced"),
        pytest.param("Restart=on-failure", id="and so is a crashed one"),
        pytest.param("RestartPreventExitStatus=61 34", id="but not where that is hopeless"),
        pytest.param("ExecReload=kill -HUP $MAINPID", id="reload reads the configuration"),
        pytest.param(r'Environment="PATH=/usr/bin:/opt/\"llama\" $x"', id="the PATH that auto is looked up on"),
        pytest.param('Environment="LLAMA_ORCH_HOME=/home/ann/lorch home"', id="the home"),
        pytest.param(
            'ExecStart="/opt/100%% $$py/python" "-P" "-m" "llama_orch_tui" "daemon" "run"', id="quoted as systemd reads"
        ),
    ],
)
def test_the_unit_says(line: str) -> None:
    assert line in systemd.build_unit(FACTS).splitlines()


@pytest.mark.parametrize(
    "setting",
    [
        "ProtectSystem",
        "ProtectHome",
        "PrivateTmp",
        "PrivateDevices",
        "NoNewPrivileges",
        "MemoryMax",
        "TasksMax",
        "DynamicUser",
    ],
)
def test_the_unit_has_no_sandbox_that_models_would_inherit(setting: str) -> None:
    assert setting not in systemd.build_unit(SYSTEM)


def test_a_users_unit_lies_in_his_folder_and_lingering_is_told() -> None:
    plan = plan_install(FACTS, "linux")
    assert written(plan).path == Path("/home/ann/.config/systemd/user/llama-orch-tui.service")
    assert commands(plan)[0] == ("systemctl", "--user", "daemon-reload")
    assert "WantedBy=default.target" in written(plan).text
    assert "User=" not in written(plan).text
    assert any("loginctl enable-linger ann" in note for note in plan.notes)


def test_a_systems_unit_runs_as_the_user_from_boot_on() -> None:
    plan = plan_install(SYSTEM, "linux")
    assert written(plan).path == Path("/etc/systemd/system/llama-orch-tui.service")
    assert commands(plan)[0] == ("systemctl", "daemon-reload")
    assert {"User=ann", "WantedBy=multi-user.target"} <= set(written(plan).text.splitlines())
    assert not any("linger" in note for note in plan.notes)


def test_removing_stops_before_the_file_goes() -> None:
    plan = plan_uninstall(FACTS, "linux")
    assert [type(step) for step in plan.steps] == [RunCommand, RemoveFile, RunCommand]
    assert any("The models run on" in note for note in plan.notes)


@pytest.mark.skipif(not ANALYZE, reason="no systemd-analyze here")
@pytest.mark.parametrize("is_system", [False, True], ids=["user", "system"])
def test_systemd_itself_finds_nothing_wrong(tmp_path: Path, *, is_system: bool) -> None:
    home = find_home({HOME_VARIABLE: str(tmp_path)})
    facts = gather_facts(home, {"PATH": "/usr/bin", HOME_VARIABLE: str(tmp_path)}, "root", 0, is_system=is_system)
    unit = tmp_path / systemd.UNIT
    unit.write_text(systemd.build_unit(facts))
    done = subprocess.run([ANALYZE, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False)
    complaints = [line for line in done.stderr.splitlines() if systemd.UNIT in line]
    assert complaints == []


def test_launchd_abandons_the_models() -> None:
    table = plistlib.loads(launchd.build_plist(FACTS).encode())
    assert table["AbandonProcessGroup"] is True
    assert table["KeepAlive"] == {"SuccessfulExit": False}
    assert table["RunAtLoad"] is True
    assert table["ExitTimeOut"] == 30
    assert table["ProcessType"] == "Interactive"
    assert table["ProgramArguments"] == list(FACTS.argv)
    assert table["EnvironmentVariables"] == dict(FACTS.environment)
    assert "UserName" not in table
    assert plistlib.loads(launchd.build_plist(SYSTEM).encode())["UserName"] == "ann"


def test_launchd_loads_for_the_user_or_the_machine() -> None:
    mine, everybodys = plan_install(FACTS, "darwin"), plan_install(SYSTEM, "darwin")
    assert written(mine).path == Path(f"/home/ann/Library/LaunchAgents/{launchd.LABEL}.plist")
    assert commands(mine)[-1] == ("launchctl", "bootstrap", "gui/1000", str(written(mine).path))
    assert written(everybodys).path == Path(f"/Library/LaunchDaemons/{launchd.LABEL}.plist")
    assert commands(everybodys)[-1][2] == "system"
    assert [type(step) for step in plan_uninstall(FACTS, "darwin").steps] == [RunCommand, RemoveFile]


@pytest.mark.parametrize(
    "setting",
    [
        ("AppKillProcessTree", "0"),
        ("AppStopMethodConsole", "30000"),
        ("AppExit", "Default", "Restart"),
        ("AppExit", "0", "Exit"),
        ("AppExit", "61", "Exit"),
        ("AppEnvironmentExtra", 'PATH=/usr/bin:/opt/"llama" $x', f"LLAMA_ORCH_HOME={HOME}"),
        ("Start", "SERVICE_AUTO_START"),
    ],
    ids=lambda setting: " ".join(setting)[:40],
)
def test_nssm_is_told(setting: tuple[str, ...]) -> None:
    assert ("nssm.exe", "set", "llama-orch-tui", *setting) in commands(nssm.plan_install(FACTS, "nssm.exe"))


def test_nssm_installs_first_and_starts_last_and_no_password_is_in_a_command() -> None:
    found = commands(nssm.plan_install(FACTS, "nssm.exe"))
    assert found[0] == ("nssm.exe", "install", "llama-orch-tui", *FACTS.argv)
    assert found[-1] == ("nssm.exe", "start", "llama-orch-tui")
    assert not any("ObjectName" in command for command in found)
    assert commands(nssm.plan_uninstall("nssm.exe"))[-1] == ("nssm.exe", "remove", "llama-orch-tui", "confirm")


def test_without_nssm_the_error_says_where_it_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(EngineError, match=re.escape("nssm: not on PATH; install it")):
        plan_install(FACTS, "win32")
    with pytest.raises(EngineError, match=re.escape("nssm: not on PATH; install it")):
        plan_uninstall(FACTS, "win32")


def test_a_path_that_no_service_file_can_carry_is_refused(tmp_path: Path) -> None:
    home = find_home({HOME_VARIABLE: str(tmp_path)})
    with pytest.raises(UsageError, match="control characters"):
        gather_facts(home, {"PATH": "/usr/bin\n[Service]"}, "ann", 1, is_system=False)


def test_the_home_and_the_path_are_kept_and_nothing_else(tmp_path: Path) -> None:
    environ = {"PATH": "/usr/bin", HOME_VARIABLE: str(tmp_path), "HF_TOKEN": "sk-secret"}
    facts = gather_facts(find_home(environ), environ, "ann", 1, is_system=False)
    assert dict(facts.environment) == {"PATH": "/usr/bin", HOME_VARIABLE: str(tmp_path)}


def test_carrying_out_stops_at_the_first_failure_and_logs_every_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = find_home({HOME_VARIABLE: str(tmp_path)})
    file, never = tmp_path / "folder" / "unit", tmp_path / "never"
    failing = RunCommand(("sh", "-c", "echo no such bus >&2; exit 3"))
    plan = Plan((WriteFile(file, "text"), replace(failing, may_fail=True), failing, WriteFile(never, "")), ("note",))
    with pytest.raises(EngineError, match="exit code 3: no such bus"):
        carry_out_plan(home, plan)
    assert file.read_text() == "text"
    assert not never.exists()
    log = (tmp_path / "daemon" / "daemon.log").read_text()
    assert log.count("\n") == 3
    assert "no such bus" in log
    assert "note" not in capsys.readouterr().out


def test_a_manager_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="nosuchctl: not on PATH"):
        carry_out_plan(find_home({HOME_VARIABLE: str(tmp_path)}), Plan((RunCommand(("nosuchctl", "x")),)))


def test_a_service_has_the_folders_that_its_operator_has(tmp_path: Path) -> None:
    folders = {f"XDG_{kind}_HOME": str(tmp_path / kind) for kind in ("CONFIG", "STATE", "CACHE")}
    facts = gather_facts(
        find_home({}), {"PATH": "/usr/bin", **folders, "HF_TOKEN": "s3cret"}, "ann", 1, is_system=False
    )
    assert dict(facts.environment) == {"PATH": "/usr/bin", **folders}


@pytest.mark.parametrize("before", ["", f'"{sys.executable}" -m llama_orch_tui daemon start >/dev/null; '])
def test_a_daemon_that_made_way_for_a_service_that_failed_is_there_again(tmp_path: Path, before: str) -> None:
    """Or the service's own is by then; what failed is said in both cases."""
    systemctl = tmp_path / "systemctl"
    systemctl.write_text(f"#!/bin/sh\n{before}echo No medium found >&2; exit 1\n")
    systemctl.chmod(0o755)
    environ = {"PATH": f"{tmp_path}:/usr/bin:/bin", "XDG_CONFIG_HOME": str(tmp_path)}
    with throw_away_home() as home:
        home.start_daemon()
        done = home.run_cli("daemon", "install", environ=environ)
        assert done.returncode == ExitCode.GENERAL
        assert "No medium found; it needs a login session of your own" in done.stderr
        assert home.run_cli("daemon", "status").returncode == ExitCode.OK
