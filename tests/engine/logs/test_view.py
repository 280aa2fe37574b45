from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.logs.view import FileLogView, LogViews, _WindowReader, _Wishes
from engine.protocol import LogView
from engine.snapshots import Stream
from tests.engine.logs.support import Clock, make_writer, wait_until


@pytest.fixture
def views() -> Iterator[LogViews]:
    """The owner of the reader thread, closed at the end."""
    owner = LogViews()
    yield owner
    owner.close()


def open_view(views: LogViews, folder: Path, height: int = 5) -> FileLogView:
    """An open view of that height."""
    view = views.open("qwen", folder)
    view.resize(height)
    return view


def texts(view: LogView) -> list[str]:
    """What the view shows."""
    return [line.text for line in view.window().lines]


def numbers(start: int, stop: int) -> bytes:
    """Numbered lines."""
    return b"".join(b"line %d\n" % number for number in range(start, stop))


def shown(start: int, stop: int) -> list[str]:
    """Numbered lines as they are shown."""
    return [f"line {number}" for number in range(start, stop)]


def test_a_view_follows_the_end(views: LogViews, tmp_path: Path) -> None:
    writer = make_writer(tmp_path, Clock(), max_bytes=200)
    view = open_view(views, tmp_path)
    wait_until(lambda: "no log yet" in view.window().error)
    for start in range(0, 100, 10):
        writer.feed(numbers(start, start + 10))
        wait_until(lambda end=start + 10: texts(view) == shown(end - 5, end))  # type: ignore[misc]
    assert view.window().at_end
    assert view.window().error == ""
    assert view.window().new_lines == 0


def test_scrolling_up_pauses_counts_new_lines_and_the_end_follows_again(views: LogViews, tmp_path: Path) -> None:
    writer = make_writer(tmp_path, Clock(), max_bytes=200, backups=9)
    writer.feed(numbers(0, 50))
    view = open_view(views, tmp_path)
    wait_until(lambda: texts(view) == shown(45, 50))
    view.scroll(-20)
    wait_until(lambda: texts(view) == shown(25, 30))
    assert not view.window().at_end
    writer.feed(numbers(50, 70))
    wait_until(lambda: view.window().new_lines == 20)
    assert texts(view) == shown(25, 30)
    view.scroll(3)
    wait_until(lambda: texts(view) == shown(28, 33))
    view.scroll(1000)
    wait_until(lambda: view.window().at_end)
    assert texts(view) == shown(65, 70)
    assert view.window().new_lines == 0


def test_scrolling_up_and_down_a_merged_log_shows_the_same_lines(views: LogViews, tmp_path: Path) -> None:
    clock = Clock()
    out, err = (
        make_writer(tmp_path, clock, stream=stream, max_bytes=150, backups=9) for stream in ("stdout", "stderr")
    )
    for number in range(60):
        clock.now += 1.0
        (err if number % 3 else out).feed(b"line %d\n" % number)
    view = open_view(views, tmp_path)
    for move, start in ((-7, 48), (-30, 18), (2, 20), (-1000, 0), (11, 11)):
        view.scroll(move)
        wait_until(lambda start=start: texts(view) == shown(start, start + 5))  # type: ignore[misc]
    assert {line.stream for line in view.window().lines} == {Stream.STDOUT, Stream.STDERR}


def test_the_start_and_the_end_are_one_key_away(views: LogViews, tmp_path: Path) -> None:
    make_writer(tmp_path, Clock(), backups=9).feed(numbers(0, 50))
    view = open_view(views, tmp_path)
    view.to_start()
    wait_until(lambda: texts(view) == shown(0, 5))
    assert (view.window().top, view.window().at_end) == (0.0, False)
    view.to_end()
    wait_until(lambda: texts(view) == shown(45, 50))
    assert view.window().top == pytest.approx(0.9, abs=0.02)


def test_what_is_rotated_away_gives_place_to_the_oldest_line(views: LogViews, tmp_path: Path) -> None:
    writer = make_writer(tmp_path, Clock(), max_bytes=100, backups=1)
    writer.feed(numbers(0, 20))
    view = open_view(views, tmp_path)
    view.to_start()
    wait_until(lambda: texts(view)[:1] in (["line 0"], ["line 12"]))
    for start in range(20, 100, 20):
        writer.feed(numbers(start, start + 20))
        oldest = (tmp_path / "stdout.log.1").read_text().splitlines()[0]
        wait_until(lambda oldest=oldest: texts(view)[:1] == [oldest])  # type: ignore[misc]
    assert not view.window().at_end


def test_a_log_that_fits_the_screen_always_follows(tmp_path: Path) -> None:
    """Without the thread, so that the wishes are carried out before the log grows."""
    writer = make_writer(tmp_path, Clock())
    writer.feed(numbers(0, 3))
    reader = _WindowReader("qwen", tmp_path, Stream.BOTH)
    for wishes in (_Wishes(5, scroll=-10), _Wishes(5, jump=-1), _Wishes(5, scroll=10)):
        window = reader.read(wishes, is_forced=True)
        assert window is not None
        assert window.at_end
    writer.feed(numbers(3, 9))
    window = reader.read(_Wishes(5), is_forced=False)
    reader.close()
    assert window is not None
    assert [line.text for line in window.lines] == shown(4, 9)


def test_the_same_window_object_means_that_nothing_changed(views: LogViews, tmp_path: Path) -> None:
    make_writer(tmp_path, Clock()).feed(numbers(0, 9))
    view = open_view(views, tmp_path)
    wait_until(lambda: texts(view) == shown(4, 9))
    before = view.window()
    other = open_view(views, tmp_path, height=2)
    wait_until(lambda: texts(other) == shown(7, 9))
    view.scroll(3)
    other.resize(3)
    wait_until(lambda: texts(other) == shown(6, 9))
    assert view.window() is before


def test_windows_are_published_at_most_ten_times_a_second(views: LogViews, tmp_path: Path) -> None:
    writer = make_writer(tmp_path, Clock(), max_bytes=1_000_000)
    view = open_view(views, tmp_path)
    seen = {id(view.window()): view.window()}
    number, until = 0, time.monotonic() + 0.6
    while time.monotonic() < until:
        writer.feed(numbers(number, number + 5))
        number += 5
        seen[id(view.window())] = view.window()
    assert 2 <= len(seen) <= 9


def test_a_folder_deleted_and_made_again_is_seen(views: LogViews, tmp_path: Path) -> None:
    folder, clock = tmp_path / "qwen", Clock()
    writer = make_writer(folder, clock)
    writer.feed(numbers(0, 9))
    view = open_view(views, folder)
    wait_until(lambda: texts(view) == shown(4, 9))
    shutil.rmtree(folder)
    wait_until(lambda: "no log yet" in view.window().error)
    clock.now += 1.0
    writer.feed(b"again\n")
    wait_until(lambda: texts(view) == ["again"])


def test_closing_ends_the_thread_and_its_files(tmp_path: Path) -> None:
    make_writer(tmp_path, Clock()).feed(numbers(0, 9))
    owner = LogViews()
    view = open_view(owner, tmp_path)
    wait_until(lambda: texts(view) == shown(4, 9))
    view.close()
    view.close()
    owner.close()
    owner.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "log-reader"]
