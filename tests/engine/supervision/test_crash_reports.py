"""Every end that nobody asked for leaves a report, within a bound, and a leader that lives on when it cannot."""

from __future__ import annotations

import dataclasses
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.describe import describe_instance
from engine.errors import CrashReportError
from engine.health.causes import find_cause
from engine.loads import Usage
from engine.paths import HOME_VARIABLE, Home, find_home
from engine.process import system
from engine.reconciler import Intent, RestartRule
from engine.session import Session
from engine.snapshots import Act, CrashText, Desired, Event, EventType, Level, MetaValue, State
from engine.supervision import crash_reports
from engine.supervision.crash_reports import (
    CrashReport,
    find_newest_report,
    find_report_path,
    format_report,
    is_crash,
    read_newest_report,
    write_report,
)
from engine.supervision.exit_records import ExitRecord
from engine.supervision.slot import LastEnd
from engine.telemetry.curve import MemoryPoint
from tests.fakes.homes import (
    ThrowAwayHome,
    act,
    fake_table,
    free_port,
    kill,
    seen,
    throw_away_home,
    wait_for,
    wait_for_state,
)

CURVE = (MemoryPoint(0.5, 20 << 20), MemoryPoint(2.5, 40 << 20))
BAD_FLAG = "error: invalid argument: --foo"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return find_home({HOME_VARIABLE: str(tmp_path)})


def _build(number: int = 0, words: tuple[str, ...] = (BAD_FLAG,)) -> CrashReport:
    record = ExitRecord(f"run{number}", 1, None, Intent.NONE, 1000.0, 1012.5 + number, 3.5, 41 << 20)
    last = LastEnd(record.run_id, 1, None, "the error", cause=find_cause(words, 1, None), lines=words)
    run = [
        ("run", record.run_id),
        ("shown", "llama-server --api-key '***'"),
        ("binary", "/bin/ls"),
        ("binary_version", "b1"),
        ("pid", "77"),
    ]
    event = Event(1001.0, "x", Level.INFO, EventType.STARTED, "started as PID 77")
    return CrashReport("x", record, last, run, words, (event,), Usage(150.0, 40 << 20), CURVE, 2, 1)


class TestReport:
    def test_a_report_tells_all_there_is_to_know(self) -> None:
        text = format_report(_build())

        for words in (
            "Crash report of x",
            "1970-01-01T00:16:52.500Z",
            "exit code 1",
            "the server does not know the flag --foo",
            "correct `args` in its table",
            "the next try would end the same way",
            "llama-server --api-key '***'",
            "/bin/ls",
            "version       b1",
            "0.5 s      20.0 MiB  " + "█" * 20 + "\n",
            "2.5 s      40.0 MiB  " + "█" * 40 + "\n",
            "12.500 s",
            "40.0 MiB when last measured, 41.0 MiB at most",
            "150.00 % when last measured, 3.50 s in all",
            "2 since it was last asked for, 1 end in a row",
            "started as PID 77",
            BAD_FLAG,
        ):
            assert words in text

    def test_what_is_not_known_is_said_so(self) -> None:
        bare = dataclasses.replace(_build(words=()), run=[], events=(), usage=None)

        text = format_report(bare)

        assert "the error" in text
        assert "command       unknown" in text
        assert "it wrote nothing" in text

    def test_only_the_last_200_lines_are_kept(self) -> None:
        text = format_report(_build(words=tuple(f"line {number}." for number in range(300))))

        assert "(200 lines)" in text
        assert "line 99." not in text
        assert "line 100." in text

    @pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")
    def test_nobody_else_may_read_it(self, home: Home) -> None:
        path = write_report(home, _build())

        assert path == find_report_path(home, "x", _build().record)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert path.read_text(encoding="utf-8") == format_report(_build())


class TestBound:
    def test_the_newest_reports_are_kept(self, home: Home) -> None:
        paths = [write_report(home, _build(number)) for number in range(25)]

        assert sorted(home.instance_crashes("x").iterdir()) == paths[-crash_reports.KEPT_REPORTS :]
        assert find_newest_report(home, "x") == paths[-1]

    def test_large_reports_are_kept_within_two_megabytes(self, home: Home) -> None:
        large = tuple("x" * 3000 for _ in range(200))
        paths = [write_report(home, _build(number, large)) for number in range(6)]

        assert sorted(home.instance_crashes("x").iterdir()) == paths[-3:]

    def test_no_report_is_no_path(self, home: Home) -> None:
        assert find_newest_report(home, "x") is None

    def test_nothing_is_written_where_a_file_is_in_the_way(self, home: Home) -> None:
        home.instance_crashes("x").parent.write_text("in the way", encoding="utf-8")

        with pytest.raises(OSError, match="crashes"):
            write_report(home, _build())


@pytest.mark.parametrize(
    ("code", "intent", "rule", "expected"),
    [
        (1, Intent.NONE, RestartRule.ON_FAILURE, True),
        (0, Intent.NONE, RestartRule.ALWAYS, True),
        (0, Intent.NONE, RestartRule.ON_FAILURE, False),
        (0, Intent.UNHEALTHY, RestartRule.ON_FAILURE, True),
        (0, Intent.SIGNAL, RestartRule.ALWAYS, False),
        (None, Intent.TETHER, RestartRule.ALWAYS, False),
        (None, Intent.ORPHAN, RestartRule.NEVER, True),
    ],
)
def test_a_shutdown_and_a_good_end_are_no_crashes(
    code: int | None, intent: Intent, rule: RestartRule, *, expected: bool
) -> None:
    assert is_crash(ExitRecord("r", code, None, intent, 0.0, 1.0), rule) is expected


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in server is POSIX")
class TestLeader:
    @pytest.fixture
    def made(self) -> Iterator[ThrowAwayHome]:
        with throw_away_home() as made:
            yield made

    def test_a_bad_flag_fails_at_once_with_cause_hint_and_report(self, made: ThrowAwayHome) -> None:
        made.write_config(fake_table("bad", "--foo"))
        session = made.open_session()

        act(session, Act.START, "bad")
        failed = wait_for_state(session, "bad", State.FAILED)

        assert failed.restarts == 0
        assert failed.why.startswith("the server does not know the flag --foo; correct `args`")
        for kind in (EventType.EXITED, EventType.FAILED):
            meta = _find_meta(session, "bad", kind)
            assert (meta["cause"], meta["exit_code"], meta["signal"], meta["intent"]) == ("unknown-flag", 1, None, "")
            assert "correct `args`" in str(meta["hint"])
            assert meta["last_lines"] == (BAD_FLAG,)
        path = Path(str(_find_meta(session, "bad", EventType.EXITED)["report"]))
        wait_for(path.exists, "the report is written")
        text = path.read_text(encoding="utf-8")
        assert "started as PID" in text
        assert "server.py" in text

    def test_describe_shows_the_newest_report(self, made: ThrowAwayHome) -> None:
        made.write_config(fake_table("bad", "--foo"))
        session = made.open_session()
        act(session, Act.START, "bad")
        wait_for_state(session, "bad", State.FAILED)
        newest = wait_for(lambda: find_newest_report(made.home, "bad"), "a report")

        sections = describe_instance(made.home, "bad", session.snapshot(), {}).sections
        rows = dict(row for section in sections for row in section.rows)

        assert rows["crash report"] == str(newest)
        assert "--foo" in rows["reason"]

    def test_a_kill_is_told_in_words_while_it_waits_to_retry(self, made: ThrowAwayHome) -> None:
        made.write_config(
            fake_table("one", port=str(free_port())).replace("initial_delay = 0.05", "initial_delay = 30")
        )
        session = made.open_session()
        act(session, Act.START, "one")
        ready = wait_for_state(session, "one", State.READY)

        kill(ready.pid or 0)
        waiting = wait_for_state(session, "one", State.BACKOFF)

        assert "to retry 1 of 5: killed by SIGKILL: somebody's kill -9" in waiting.why
        assert _find_meta(session, "one", EventType.EXITED)["cause"] == "killed"

    def test_a_wanted_stop_leaves_neither_cause_nor_report(self, made: ThrowAwayHome) -> None:
        made.write_config(fake_table("one", port=str(free_port())))
        session = made.open_session()
        act(session, Act.START, "one")
        wait_for_state(session, "one", State.READY)

        act(session, Act.STOP, "one")
        wait_for_state(session, "one", State.STOPPED)

        meta = _find_meta(session, "one", EventType.EXITED)
        assert (meta["cause"], meta["intent"], meta["report"]) == ("", "stop", "")
        assert find_newest_report(made.home, "one") is None
        assert seen(session, "one").last_error == ""

    def test_an_end_that_nobody_watched_is_reported_by_the_next_leader(self, made: ThrowAwayHome) -> None:
        made.write_config(fake_table("one", port=str(free_port())))
        first = made.open_session()
        act(first, Act.START, "one")
        pid = wait_for_state(first, "one", State.READY).pid or 0
        made.close_session(first)
        kill(pid)
        wait_for(lambda: not system.is_locked(str(made.home.instance_lock("one"))), "its keeper has ended")

        second = made.open_session()
        wait_for(lambda: _find_exits(second, "one"), "the end is told")

        meta = dict(_find_exits(second, "one")[0].meta)
        assert (meta["cause"], meta["signal"]) == ("killed", 9)
        path = Path(str(meta["report"]))
        wait_for(path.exists, "the report is written")
        wait_for(lambda: f"PID           {pid}\n" in path.read_text(encoding="utf-8"), "the report names the run")

    def test_a_report_that_cannot_be_written_is_a_fault_and_supervision_goes_on(self, made: ThrowAwayHome) -> None:
        made.write_config(fake_table("bad", "--foo") + fake_table("one", port=str(free_port())))
        crashes = made.home.instance_crashes("bad").parent
        crashes.write_text("in the way", encoding="utf-8")
        session = made.open_session()

        act(session, Act.START, "bad")
        wait_for_state(session, "bad", State.FAILED)

        wait_for(lambda: any("crash report" in fault.message for fault in session.snapshot().faults), "a fault")
        act(session, Act.START, "one")
        pid = wait_for_state(session, "one", State.READY).pid
        crashes.unlink()
        kill(pid or 0)
        wait_for(lambda: not session.snapshot().faults, "the fault is over once a report is written")
        assert seen(session, "one").desired is Desired.RUNNING


def _find_exits(session: Session, name: str) -> list[Event]:
    """What was told of the instance's ends."""
    return [one for one in session.snapshot().events if one.instance == name and one.type is EventType.EXITED]


def _find_meta(session: Session, name: str, kind: EventType) -> dict[str, MetaValue]:
    """What the newest event of this type carries."""
    events = [event for event in session.snapshot().events if event.instance == name and event.type is kind]
    return dict(events[-1].meta)


def test_the_newest_report_is_read_back_and_one_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    home = find_home({HOME_VARIABLE: str(tmp_path)})
    assert read_newest_report(home, "a") is None
    folder = home.instance_crashes("a")
    folder.mkdir(parents=True)
    (folder / "20260101T000000.000000Z-old.txt").write_text("old\n")
    (folder / "20260102T000000.000000Z-new.txt").write_bytes(b"new\n\xff\n")
    assert read_newest_report(home, "a") == CrashText(
        str(folder / "20260102T000000.000000Z-new.txt"), ("new", "\N{REPLACEMENT CHARACTER}")
    )
    (folder / "20260103T000000.000000Z-odd.txt").mkdir()
    with pytest.raises(CrashReportError, match=r"odd\.txt: Is a directory"):
        read_newest_report(home, "a")
