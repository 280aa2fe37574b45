"""The console goes wrong: the terminal is whole, no value is shown, and the report can be found."""

from __future__ import annotations

import errno
import io
import re
import stat
import threading
from pathlib import Path

import pytest
from textual.drivers._writer_thread import MAX_QUEUED_WRITES, WriterThread

from engine.paths import HOME_VARIABLE, Home, find_home
from engine.snapshots import Snapshot
from llama_orch_tui.app import ConsoleApp
from llama_orch_tui.breakdown import KEPT_REPORTS, explain, watch_threads, write_report
from tests.fakes.console import Operator, drive
from tests.fakes.scenes import NOW
from tests.fakes.still_engine import StillEngine


class BreakingEngine(StillEngine):
    """Fails when it is asked for the second time."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def snapshot(self) -> Snapshot:
        api_key = "sk-very-secret"
        self.asked += 1
        if self.asked > 1:
            raise ZeroDivisionError(f"{len(api_key)} by nothing")
        return super().snapshot()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return find_home({HOME_VARIABLE: str(tmp_path / "home")})


def mistake() -> ZeroDivisionError:
    api_key = "sk-very-secret"
    try:
        len(api_key) / 0
    except ZeroDivisionError as error:
        return error
    raise AssertionError(api_key)


def test_a_mistake_on_the_screen_ends_the_console_and_prints_no_value(capfd: pytest.CaptureFixture[str]) -> None:
    app = ConsoleApp(BreakingEngine())
    app.run(headless=True)
    assert app.return_code == 1
    assert isinstance(app.breakdown, ZeroDivisionError)
    said = "".join(capfd.readouterr())
    assert "sk-very-secret" not in said
    assert "api_key" not in said


def test_a_mistake_on_a_thread_ends_the_console(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(operator: Operator) -> None:
        watch_threads(operator.app.break_down)

        def fail() -> None:
            raise mistake()

        threading.Thread(target=fail, name="one-of-ours").start()
        await operator.until(lambda: operator.app.breakdown is not None)

    monkeypatch.setattr(threading, "excepthook", threading.excepthook)  # put back afterwards
    app = drive(StillEngine(), script)
    assert isinstance(app.breakdown, ZeroDivisionError)
    assert app.return_code == 1


def test_the_report_tells_where_and_is_for_its_owner_alone(home: Home) -> None:
    told = explain(home, mistake(), NOW)
    found = re.search(r"The report is (\S+)$", told)
    assert found, told
    path = Path(found[1])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    words = path.read_text()
    assert "test_breakdown.py" in words
    assert "ZeroDivisionError: division by zero" in words
    assert "sk-very-secret" not in words


def test_only_the_newest_reports_are_kept(home: Home) -> None:
    written = [write_report(home, mistake(), NOW + second) for second in range(KEPT_REPORTS + 3)]
    assert sorted(home.console_crashes.iterdir()) == written[3:]


def test_without_a_report_the_words_themselves_are_said(home: Home) -> None:
    home.state_dir.parent.mkdir(exist_ok=True)
    home.state_dir.write_text("a file where the folder should be")
    told = explain(home, mistake(), NOW)
    assert "No report could be written" in told
    assert "ZeroDivisionError: division by zero" in told


def test_who_writes_to_a_terminal_that_is_gone_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def write(self, _text: str) -> int:
            raise OSError(errno.EIO, "Input/output error")

    told: list[BaseException] = []
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)  # put back afterwards
    watch_threads(told.append)
    writer = WriterThread(Gone())
    for _ in range(MAX_QUEUED_WRITES):
        writer.write("x")
    waiting = threading.Thread(target=writer.write, args=("one more than it takes",), daemon=True)
    waiting.start()
    writer.start()
    writer.join(10.0)
    waiting.join(10.0)
    assert not waiting.is_alive()
    assert [type(error) for error in told] == [OSError]
    for _ in range(2 * MAX_QUEUED_WRITES):
        writer.write("the console's own end")
    writer.stop()
