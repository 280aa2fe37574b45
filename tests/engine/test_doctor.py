"""Every look finds what is wrong, and says what to mend."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.doctor import Condition, Finding, examine
from engine.locking import supervisor_lock
from tests.fakes.homes import ThrowAwayHome, free_port, throw_away_home


@pytest.fixture
def home() -> Iterator[ThrowAwayHome]:
    with throw_away_home() as made:
        yield made


def look(home: ThrowAwayHome, subject: str, **environ: str) -> list[Finding]:
    found = list(examine(home.home, {**os.environ, **environ}, "0-test"))
    return [one for one in found if one.subject == subject]


def program(folder: Path, name: str, script: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_a_fresh_home_has_no_problem_and_keeps_no_trace_of_the_look(home: ThrowAwayHome) -> None:
    found = list(examine(home.home, os.environ, "0-test"))
    assert [one for one in found if one.condition is Condition.PROBLEM] == []
    assert [one.name for one in home.home.state_dir.iterdir()] == []


def test_every_problem_of_the_configuration_is_a_finding_with_its_fix(home: ThrowAwayHome) -> None:
    home.write_config('[instances.a]\nmodel = "/m"\nport = 0\nctx_sise = 1\n')
    found = look(home, "configuration")
    assert [one.condition for one in found] == [Condition.PROBLEM] * 2
    assert found[1].message.endswith("config.toml:4: [instances.a] ctx_sise: unknown key")
    assert found[1].fix == "did you mean ctx_size?"


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
def test_a_key_that_others_may_read_is_noted_without_telling_it(home: ThrowAwayHome) -> None:
    home.write_config('[instances.a]\nmodel = "/m"\napi_key = "s3cret"\n')
    home.home.config_file.chmod(0o644)
    found = look(home, "configuration")
    assert found[-1].condition is Condition.NOTE
    assert "chmod 600" in found[-1].fix
    assert "s3cret" not in repr(found)


def test_a_leader_of_another_version_is_noted_and_one_that_does_not_answer_is_a_problem(home: ThrowAwayHome) -> None:
    assert "nobody leads" in look(home, "leader")[0].message
    with supervisor_lock(home.home, "daemon").holding(1.0):
        silent = look(home, "leader")[0]
    assert silent.condition is Condition.PROBLEM
    assert f"PID {os.getpid()} (daemon)" in silent.message
    home.start_daemon()
    other = look(home, "leader")[0]
    assert other.condition is Condition.NOTE
    assert other.message.endswith("; this is 0-test")


def test_a_damaged_database_is_a_problem(home: ThrowAwayHome) -> None:
    home.home.state_file.write_bytes(b"x" * 5000)
    found = look(home, "database")
    assert found[0].condition is Condition.PROBLEM


def test_a_server_tells_its_version_and_one_that_cannot_run_is_a_problem(home: ThrowAwayHome, tmp_path: Path) -> None:
    good = program(tmp_path, "good", "echo 'version: 77 (abc)' >&2")
    bad = program(tmp_path, "bad", "echo 'libcuda.so.1: cannot open' >&2; exit 127")
    home.write_config(
        f'[server]\nbinary = "{good}"\n[instances.a]\nmodel = "/m"\n'
        f'[instances.b]\nmodel = "/m"\nbinary = "{bad}"\n[instances.c]\nmodel = "/m"\nbinary = "{tmp_path}/none"\n'
    )
    found = {one.message.partition(":")[0]: one for one in look(home, "server")}
    assert found[str(good)].message == f"{good}: version: 77 (abc)"
    assert found[str(bad)].condition is Condition.PROBLEM
    assert found[str(bad)].message.endswith("cannot run: libcuda.so.1: cannot open")
    missing = next(one for one in found.values() if "no such file" in one.message)
    assert missing.condition is Condition.PROBLEM
    assert missing.fix.startswith("correct `[server] binary`")


def test_a_port_of_two_is_noted_and_one_that_a_stranger_holds_is_a_problem(home: ThrowAwayHome) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        held, shared = stranger.getsockname()[1], free_port()
        home.write_config(
            "".join(
                f'[instances.{name}]\nmodel = "/m"\nport = {port}\n'
                for name, port in (("a", held), ("b", shared), ("c", shared))
            )
        )
        found = look(home, "ports")
    assert [one.condition for one in found] == [Condition.PROBLEM, Condition.NOTE]
    assert found[0].message.startswith(f"port {held} of a is held by ")
    assert found[1].message.startswith(f"port {shared} belongs to b and c")


def test_the_port_of_our_own_run_is_no_conflict(home: ThrowAwayHome) -> None:
    home.write_fakes("a")
    assert home.run_cli("start", "a", "--wait").returncode == 0
    assert [one.condition for one in look(home, "ports")] == [Condition.OK]


def test_a_look_that_fails_is_a_finding(home: ThrowAwayHome) -> None:
    home.home.state_dir.rmdir()
    home.home.state_dir.write_text("a file where the folder belongs")
    try:
        found = list(examine(home.home, os.environ, "0-test"))
    finally:
        home.home.state_dir.unlink()
        home.home.state_dir.mkdir()
    assert {"state folder", "locks"} <= {one.subject for one in found if one.condition is Condition.PROBLEM}


def test_the_command_exits_1_only_for_a_problem(home: ThrowAwayHome) -> None:
    home.write_fakes("a")
    done = home.run_cli("doctor")
    assert (done.returncode, done.stderr) == (0, "")
    assert "locks" in done.stdout
    home.write_config("[[[")
    done = home.run_cli("doctor", "--json")
    assert done.returncode == 1
    assert '"ok": false' in done.stdout


def test_a_model_that_is_not_there_is_a_problem_with_its_fix(home: ThrowAwayHome, tmp_path: Path) -> None:
    (tmp_path / "there.gguf").touch()
    home.write_config(f'[instances.a]\nmodel = "{tmp_path}/there.gguf"\n')
    assert [one.condition for one in look(home, "models")] == [Condition.OK]
    home.write_config(
        f'[instances.a]\nmodel = "{tmp_path}/there.gguf"\n[instances.b]\nmodel = "{tmp_path}/lost.gguf"\n'
    )
    (found,) = look(home, "models")
    assert found.condition is Condition.PROBLEM
    assert found.message == f"b: model {tmp_path}/lost.gguf: no such file"
    assert "correct `model`" in found.fix


def test_a_log_folder_that_nothing_can_go_into_is_a_problem(home: ThrowAwayHome) -> None:
    home.write_fakes("a")
    assert [one.condition for one in look(home, "logs")] == [Condition.OK]
    home.home.logs_dir.mkdir()
    home.home.instance_logs("a").touch()
    (found,) = look(home, "logs")
    assert found.condition is Condition.PROBLEM
    assert found.message == f"{home.home.instance_logs('a')}: is no folder"


def test_a_log_folder_that_is_closed_is_a_problem(home: ThrowAwayHome, monkeypatch: pytest.MonkeyPatch) -> None:
    home.home.logs_dir.mkdir()
    monkeypatch.setattr("os.access", lambda *_: False)  # root may do all
    assert look(home, "logs")[0].message.endswith("cannot be written")


def test_a_key_file_that_is_not_there_is_a_problem_with_its_fix(home: ThrowAwayHome) -> None:
    key = home.home.state_dir / "key"
    home.write_config(f'[instances.a]\nmodel = "/m"\napi_key_file = "{key}"\n')
    (found,) = look(home, "keys")
    assert (found.condition, found.message) == (Condition.PROBLEM, f"a: API key file {key}: no such file or directory")
    assert "api_key_file" in found.fix
    key.write_text("s3cret")
    (found,) = look(home, "keys")
    assert found.condition is Condition.OK
    assert "s3cret" not in repr(found)


def test_a_taken_address_of_the_metrics_is_a_problem_unless_we_have_it(home: ThrowAwayHome) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        listen = f"127.0.0.1:{stranger.getsockname()[1]}"
        home.write_config(f'[metrics]\nlisten = "{listen}"\n')
        (found,) = look(home, "metrics")
    assert found.condition is Condition.PROBLEM
    assert found.message.startswith(f"{listen} is held by ")
    assert [one.condition for one in look(home, "metrics")] == [Condition.OK]
    home.start_daemon()
    assert look(home, "metrics") == []


def test_who_does_not_linger_is_told(home: ThrowAwayHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.doctor.SYSTEMD", tmp_path / "nowhere")
    assert look(home, "session", USER="ann") == []
    monkeypatch.setattr("engine.doctor.SYSTEMD", tmp_path)
    monkeypatch.setattr("engine.doctor.LINGERING", tmp_path)
    (found,) = look(home, "session", USER="ann")
    assert (found.condition, found.fix) == (Condition.NOTE, "loginctl enable-linger ann")
    (tmp_path / "ann").touch()
    (found,) = look(home, "session", USER="ann")
    assert found.condition is Condition.OK
