"""What cannot be started is refused before anything is spawned, with its exit code and a message that helps."""

from __future__ import annotations

import socket
import stat

from engine.errors import ExitCode
from engine.snapshots import Act, Desired, EventType, State
from tests.fakes.homes import ThrowAwayHome, act, fake_table, seen, wait_for, wait_for_state


def refuse(den: ThrowAwayHome, code: ExitCode, *words: str) -> None:
    """`start a` ends with the code and says all these words; nothing was spawned, and nothing is wanted."""
    done = den.run_cli("start", "a")
    assert done.returncode == code, done
    assert done.stdout == ""
    for word in words:
        assert word in done.stderr
    assert not den.find_processes()
    one = den.ps()["instances"]["a"]
    assert (one["desired"], one["state"]) == ("stopped", "stopped")
    assert words[0] in one["last_error"]
    assert not list(den.home.run_dir.glob("*.keeper.err"))


def test_a_taken_port_is_40_and_names_the_holder(den: ThrowAwayHome) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        den.write_config(fake_table("a", port=str(port)))
        refuse(den, ExitCode.PORT_IN_USE, f"port {port} is held by", "PID", 'port = "auto"')
    assert den.run_cli("start", "a", "--wait").returncode == 0


def test_a_missing_model_is_54_and_names_the_path(den: ThrowAwayHome) -> None:
    den.write_config('[instances.a]\nmodel = "/no/such/model.gguf"\nbinary = "embedded"\n')
    refuse(den, ExitCode.MODEL_NOT_FOUND, "/no/such/model.gguf", "no such file")


def test_a_missing_binary_is_50_and_names_the_fix(den: ThrowAwayHome) -> None:
    model = den.home.state_dir / "model.gguf"
    model.write_bytes(b"GGUF")
    den.write_config(f'[server]\nbinary = "/no/such/llama-server"\n[instances.a]\nmodel = "{model}"\n')
    refuse(den, ExitCode.BINARY_NOT_FOUND, "/no/such/llama-server")


def test_a_program_that_is_not_executable_is_50(den: ThrowAwayHome) -> None:
    program = den.home.state_dir / "server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o600)
    den.write_config(f'[instances.a]\ncommand = ["{program}"]\nhealthcheck.type = "none"\n')
    refuse(den, ExitCode.BINARY_NOT_FOUND, str(program))


def test_a_program_whose_interpreter_is_missing_is_50(den: ThrowAwayHome) -> None:
    """Only exec itself can tell."""
    program = den.home.state_dir / "server"
    program.write_text("#!/no/such/interpreter\n")
    program.chmod(stat.S_IRWXU)
    den.write_config(f'[instances.a]\ncommand = ["{program}"]\nhealthcheck.type = "none"\n')
    done = den.run_cli("start", "a")
    assert done.returncode == ExitCode.BINARY_NOT_FOUND, done
    assert not den.find_processes()


def test_a_broken_file_is_11_for_start_while_what_runs_goes_on_and_can_be_stopped(den: ThrowAwayHome) -> None:
    den.write_fakes("a", "b")
    assert den.run_cli("start", "a", "--wait").returncode == 0
    server = den.ps()["instances"]["a"]["pid"]
    den.write_config("[instances.a\ncommand = 5")
    done = den.run_cli("start", "b")
    assert done.returncode == ExitCode.CONFIG_INVALID
    assert f"{den.home.config_file}:1" in done.stderr
    assert den.ps()["instances"]["a"]["pid"] == server
    assert den.run_cli("stop", "a").returncode == 0
    assert not den.find_processes()


def test_a_file_broken_under_a_leader_is_a_fault_and_a_mended_one_ends_it(den: ThrowAwayHome) -> None:
    den.write_fakes("a", "b")
    session = den.open_session()
    act(session, Act.START, "a")
    server = wait_for_state(session, "a", State.READY).pid
    good = den.home.config_file.read_text(encoding="utf-8")
    den.write_config("[instances.a\n")
    wait_for(lambda: [fault for fault in session.snapshot().faults if fault.key == "config"], "the fault is shown")
    assert seen(session, "a").pid == server
    assert act(session, Act.STOP, "a").exit_code == 0
    den.write_config(good)
    wait_for(lambda: not session.snapshot().faults, "the fault is gone")
    assert act(session, Act.START, "b").exit_code == 0


def test_a_fault_in_one_table_freezes_only_that_instance(den: ThrowAwayHome) -> None:
    den.write_config(fake_table("a") + fake_table("b").replace("interval = 0.2", 'intervall = "x"'))
    session = den.open_session()
    assert act(session, Act.START, "a").exit_code == 0
    refused = act(session, Act.START, "b")
    assert refused.exit_code == ExitCode.CONFIG_INVALID
    assert "intervall" in refused.message
    assert seen(session, "b").desired is Desired.STOPPED


def test_what_is_frozen_is_refused_alone_when_others_are_asked_for_with_it(den: ThrowAwayHome) -> None:
    den.write_config(fake_table("a") + fake_table("b") + "ctx_sise = 5\n")
    done = den.run_cli("start", "--all")
    assert done.returncode == ExitCode.CONFIG_INVALID
    assert "ctx_sise" in done.stderr
    shown = den.ps()["instances"]
    assert (shown["a"]["desired"], shown["b"]["desired"]) == ("running", "stopped")
    assert den.run_cli("restart", "a", "b").returncode == ExitCode.CONFIG_INVALID
    assert den.run_cli("health", "a").returncode != ExitCode.NOT_RUNNING
    assert "ctx_sise" in den.run_cli("events", "b", "--type", "refused").stdout


def test_a_refusal_is_told_of_every_instance_that_was_named(den: ThrowAwayHome) -> None:
    den.write_fakes("a", "b")
    session = den.open_session()
    assert act(session, Act.STOP, "a", "b").exit_code == ExitCode.NOT_RUNNING
    assert act(session, Act.START, "nobody").exit_code == ExitCode.NO_SUCH_INSTANCE

    def told() -> list[str | None]:
        return [one.instance for one in session.snapshot().events if one.type == EventType.REFUSED]

    wait_for(lambda: told() == ["a", "b", None], "one that is not there is nobody's")


def test_what_is_frozen_keeps_its_place_in_the_file(den: ThrowAwayHome) -> None:
    den.write_config(fake_table("a") + "ctx_sise = 5\n" + fake_table("b"))
    assert list(den.ps()["instances"]) == ["a", "b"]


def test_a_restart_from_the_last_good_table_says_so(den: ThrowAwayHome) -> None:
    den.write_fakes("a")
    session = den.open_session()
    assert act(session, Act.START, "a").exit_code == 0
    den.write_fakes("a", extra="ctx_sise = 5")
    wait_for(lambda: seen(session, "a").config_error, "the fault is seen")
    done = act(session, Act.RESTART, "a")
    assert done.exit_code == 0
    assert done.message.startswith("a: restarted as it was last configured, for now it is wrong: ")
    assert "ctx_sise" in done.message
    assert done.changed == ("a",)
