"""Of several things that are wrong, the one of the promised order decides how a command ends."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from engine.errors import ExitCode
from tests.fakes.homes import ThrowAwayHome, fake_table, throw_away_home


@pytest.fixture
def home() -> Iterator[ThrowAwayHome]:
    with throw_away_home() as made:
        yield made


def code(home: ThrowAwayHome, *arguments: str) -> int:
    """What a command ends with; what is not 0 is explained on stderr, without a traceback."""
    done = home.run_cli(*arguments)
    assert "Traceback" not in done.stderr
    assert done.returncode == 0 or done.stderr.strip(), f"{arguments} says nothing"
    return done.returncode


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["start"],
        ["start", "a", "--all"],
        ["stop", "--all", "--tag"],
        ["restart", "--everything"],
        ["describe"],
        ["logs", "a", "--grep", "("],
        ["events", "--since", "yesterday"],
        ["add", "b"],
        ["profile", "use"],
        ["config"],
        ["doctor", "--nonsense"],
    ],
    ids=" ".join,
)
def test_wrong_words_are_2_before_anything_else(home: ThrowAwayHome, arguments: list[str]) -> None:
    home.write_config("[[[")
    assert code(home, *arguments) == ExitCode.USAGE


@pytest.mark.parametrize(
    "arguments",
    [
        ["start", "nobody"],
        ["restart", "nobody"],
        ["add", "b", "--model", "m"],
        ["remove", "nobody"],
        ["config", "validate"],
        ["config", "show"],
        ["profile", "use", "nobody"],
    ],
    ids=" ".join,
)
def test_a_file_that_cannot_be_read_is_11_before_the_name(home: ThrowAwayHome, arguments: list[str]) -> None:
    home.write_config("[[[")
    assert code(home, *arguments) == ExitCode.CONFIG_INVALID


def test_a_start_is_21_when_it_runs_and_a_stop_20_when_it_does_not(home: ThrowAwayHome) -> None:
    home.write_fakes("a", "b")
    assert code(home, "stop", "a") == ExitCode.NOT_RUNNING
    assert code(home, "start", "a") == ExitCode.OK
    assert code(home, "start", "a") == ExitCode.ALREADY_RUNNING
    assert code(home, "start", "a", "b") == ExitCode.OK, "only when every one that is named runs"
    assert code(home, "start", "--all") == ExitCode.OK, "never for a set"
    assert code(home, "start", "a", "nobody") == ExitCode.NO_SUCH_INSTANCE, "13 before 21"
    assert code(home, "stop", "--all") == ExitCode.OK
    assert code(home, "stop", "--all") == ExitCode.OK
    assert code(home, "restart", "--unhealthy") == ExitCode.OK
    assert code(home, "stop", "--tag", "none") == ExitCode.OK


def test_what_keeps_a_server_from_starting_has_its_own_codes(home: ThrowAwayHome) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        taken = stranger.getsockname()[1]
        home.write_config(
            f'[instances.nomodel]\nmodel = "/nowhere/m.gguf"\nbinary = "/nowhere/llama-server"\nport = {taken}\n'
            f'[instances.nobinary]\nmodel = "{__file__}"\nbinary = "/nowhere/llama-server"\nport = {taken}\n'
            + fake_table("noport", port=str(taken))
        )
        assert code(home, "start", "nomodel") == ExitCode.MODEL_NOT_FOUND, "54 before 50 and 40"
        assert code(home, "start", "nobinary") == ExitCode.BINARY_NOT_FOUND, "50 before 40"
        assert code(home, "start", "noport") == ExitCode.PORT_IN_USE


def test_wait_ends_with_30_for_a_failure_and_22_when_it_takes_too_long(home: ThrowAwayHome) -> None:
    slow = fake_table("slow", "--hang-after", "0").replace("interval = 0.2", "interval = 0.2\nstart_period = 1.0")
    slow = slow.replace("timeout = 2.0", "timeout = 0.5\nretries = 1000")
    home.write_config(
        fake_table("bad", "--exit-code", "1").replace("initial_delay = 0.05", "initial_delay = 0.05\nmax_retries = 0")
        + slow
    )
    assert code(home, "start", "bad", "--wait") == ExitCode.START_FAILED
    assert code(home, "start", "slow", "--wait") == ExitCode.UNHEALTHY


def test_wait_covers_what_was_started_before_and_is_over_at_once_when_nothing_is_wanted(home: ThrowAwayHome) -> None:
    home.write_config(fake_table("a", extra='tags = ["t"]') + fake_table("b"))
    assert code(home, "start", "--tag", "nobody", "--wait") == ExitCode.OK
    assert code(home, "start", "a") == ExitCode.OK
    assert code(home, "start", "--tag", "t", "--wait") == ExitCode.OK, "nothing to do, and it is waited for"
    assert home.ps()["instances"]["a"]["health"] == "healthy"
    assert code(home, "start", "a", "b", "--wait") == ExitCode.OK
    assert code(home, "start", "--all", "--wait") == ExitCode.OK


def test_wait_waits_for_the_rest_of_what_was_partly_refused(home: ThrowAwayHome) -> None:
    home.write_config(fake_table("a") + fake_table("b") + "ctx_sise = 5\n")
    assert code(home, "start", "--all", "--wait") == ExitCode.CONFIG_INVALID
    assert home.ps()["instances"]["a"]["health"] == "healthy"


def test_a_newer_or_damaged_database_is_34_for_every_command(home: ThrowAwayHome) -> None:
    home.write_fakes("a")
    home.home.state_file.write_bytes(b"x" * 5000)
    for arguments in (["ps"], ["describe", "a"], ["events"], ["start", "a"], ["profile", "list"]):
        assert code(home, *arguments) == ExitCode.STATE_DAMAGED, arguments


def test_reading_commands_are_0_without_a_file_and_without_a_leader(home: ThrowAwayHome) -> None:
    for arguments in (["ps"], ["ps", "--json"], ["events"], ["profile", "list"], ["config", "path"], ["--version"]):
        assert code(home, *arguments) == ExitCode.OK, arguments
    assert code(home, "config", "validate") == ExitCode.CONFIG_NOT_FOUND
