"""`events` as a person types it, with and without a leader."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator

import pytest

from engine.snapshots import Event, EventType, Level
from engine.state.events import log_event
from engine.state.store import open_store
from engine.times import format_time
from tests.fakes.homes import ThrowAwayHome, throw_away_home, wait_for


@pytest.fixture
def den() -> Iterator[ThrowAwayHome]:
    with throw_away_home() as made:
        yield made


@pytest.fixture
def log(den: ThrowAwayHome) -> ThrowAwayHome:
    """A home with sixty events of one instance, a minute apart, and one of another."""
    store = open_store(den.home.state_file)
    assert store is not None
    with store.transaction():
        for number in range(60):
            level = Level.ERROR if number % 10 == 0 else Level.INFO
            kind = EventType.EXITED if number % 2 else EventType.STARTED
            store.add_event(Event(1_700_000_000.0 + 60 * number, "a", level, kind, f"event {number}"))
        store.add_event(Event(1_700_000_000.0, None, Level.INFO, EventType.LED, "leads", (("pid", 7),)))
    store.close()
    return den


def shown(den: ThrowAwayHome, *options: str) -> list[str]:
    """The messages printed."""
    done = den.run_cli("events", *options, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line)["message"] for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param(("-n", "2"), ["event 58", "event 59"], id="so many"),
        pytest.param(("a", "--since", "2023-11-14T23:12:00Z"), ["event 59"], id="since"),
        pytest.param(("a", "--until", "2023-11-14T22:13:20Z"), ["event 0"], id="until"),
        pytest.param(("--level", "error", "-n", "1"), ["event 50"], id="level"),
        pytest.param(("--type", "led"), ["leads"], id="type"),
        pytest.param(("a", "--type", "exited", "-n", "1"), ["event 59"], id="instance and type"),
    ],
)
def test_options_choose_the_events(log: ThrowAwayHome, options: tuple[str, ...], expected: list[str]) -> None:
    assert shown(log, *options) == expected


def test_the_newest_fifty_are_shown_or_all_since_a_time(log: ThrowAwayHome) -> None:
    assert len(shown(log)) == 50
    assert len(shown(log, "-n", "all")) == 61
    assert len(shown(log, "--since", "2023-11-14T22:00:00Z")) == 61


def test_json_has_every_field(log: ThrowAwayHome) -> None:
    done = log.run_cli("events", "--type", "led", "--json")
    assert json.loads(done.stdout) == {
        "id": 61,
        "ts": format_time(1_700_000_000.0),
        "instance": None,
        "level": "info",
        "type": "led",
        "message": "leads",
        "meta": {"pid": 7},
    }


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        pytest.param(("--since", "soon"), 2, "soon: not a time", id="time"),
        pytest.param(("--level", "loud"), 2, "'info', 'warning', 'error'", id="level"),
        pytest.param(("--type", "ended"), 2, "'exited'", id="type"),
        pytest.param(("-f", "--until", "1m"), 2, "give one of them", id="an end to what has none"),
        pytest.param(("nobody",), 13, "nobody: no such instance", id="name"),
    ],
)
def test_what_cannot_be_meant_says_what_is_wrong(
    log: ThrowAwayHome, options: tuple[str, ...], code: int, words: str
) -> None:
    done = log.run_cli("events", *options)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr


def test_an_instance_without_events_is_known_by_the_configuration(den: ThrowAwayHome) -> None:
    den.write_fakes("new")
    done = den.run_cli("events", "new")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_following_without_a_leader_shows_what_comes_and_ends_with_ctrl_c(log: ThrowAwayHome) -> None:
    program = log.start_cli("events", "a", "-f", "-n", "1", "--json")
    assert program.stdout is not None
    assert json.loads(program.stdout.readline())["message"] == "event 59"
    log_event(log.home.state_file, Event(1_700_009_000.0, "b", Level.INFO, EventType.READY, "another's"))
    log_event(log.home.state_file, Event(1_700_009_000.0, "a", Level.INFO, EventType.READY, "meant"))
    assert json.loads(program.stdout.readline())["message"] == "meant"
    program.send_signal(signal.SIGINT)
    assert program.communicate(timeout=15) == ("", "")
    assert program.returncode == 0


def test_following_sees_what_leaders_do_through_their_changes(den: ThrowAwayHome) -> None:
    """It begins before there is a database, and goes on when the leader is killed and another one leads."""
    den.write_fakes("a")
    program = den.start_cli("events", "-f", "--json", "--type", "led")
    assert program.stdout is not None
    for _ in range(2):
        daemon = den.start_daemon()
        told = json.loads(program.stdout.readline())
        assert (told["type"], told["meta"]["pid"]) == ("led", daemon.pid)
        daemon.kill()
        daemon.wait()


def test_a_reader_that_goes_ends_a_silent_follower(log: ThrowAwayHome) -> None:
    program = log.start_cli("events", "-f", "-n", "1")
    assert program.stdout is not None
    assert program.stderr is not None
    program.stdout.readline()
    program.stdout.close()
    wait_for(lambda: program.poll() is not None, "it ends")
    assert (program.returncode, program.stderr.read()) == (0, "")
    log.programs.remove(program)
    program.stderr.close()
