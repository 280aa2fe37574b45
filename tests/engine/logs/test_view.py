from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import UsageError
from engine.log_asking import LogFilter, LogLevel, LogPattern, Seek
from engine.logs.view import PUBLISH_S, QUIET_S, FileLogView, LogViews
from engine.logs.window import Resize, Scroll, ToStart, WindowReader, Wish
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
    wait_until(lambda: "No log yet" in view.window().error)
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
    reader = WindowReader("qwen", {"qwen": tmp_path}, Stream.BOTH)
    moves: list[Wish] = [Scroll(-10), ToStart(), Scroll(10)]
    for wish in moves:
        assert reader.work((Resize(5, 5), wish), is_over=lambda: False)
        assert reader.window.at_end
    writer.feed(numbers(3, 9))
    assert reader.work((), is_over=lambda: False)
    reader.close()
    assert [line.text for line in reader.window.lines] == shown(4, 9)


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


def test_quiet_logs_are_looked_at_less_often_until_something_is_written_or_wished(tmp_path: Path) -> None:
    later = [0.0]
    views = LogViews(lambda: time.monotonic() + later[0])
    try:
        writer = make_writer(tmp_path, Clock())
        view = open_view(views, tmp_path)

        def rest() -> bool:
            later[0] += 60.0
            return views._pause(views._views) == QUIET_S

        def grow_quiet() -> None:
            wait_until(lambda: views._pause(views._views) == PUBLISH_S)
            wait_until(rest)

        grow_quiet()
        writer.feed(numbers(0, 9))
        wait_until(lambda: texts(view) == shown(4, 9))
        grow_quiet()
        view.scroll(-2)
        wait_until(lambda: texts(view) == shown(2, 7))
        grow_quiet()
        other = open_view(views, tmp_path, height=2)
        wait_until(lambda: texts(other) == shown(7, 9))
        wait_until(lambda: views._pause(views._views) == PUBLISH_S)
    finally:
        views.close()


def test_a_folder_deleted_and_made_again_is_seen(views: LogViews, tmp_path: Path) -> None:
    folder, clock = tmp_path / "qwen", Clock()
    writer = make_writer(folder, clock)
    writer.feed(numbers(0, 9))
    view = open_view(views, folder)
    wait_until(lambda: texts(view) == shown(4, 9))
    shutil.rmtree(folder)
    wait_until(lambda: "No log yet" in view.window().error)
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


# -- searching, filtering, going to a moment


def levelled(start: int, stop: int) -> bytes:
    """Numbered lines, every tenth an error."""
    return b"".join(
        b"0.00.%03d.000 %c line %d\n" % (number, b"E"[0] if number % 10 == 0 else b"I"[0], number)
        for number in range(start, stop)
    )


def ends(view: LogView) -> list[int]:
    """The numbers of the lines shown."""
    return [int(line.text.rpartition(" ")[2]) for line in view.window().lines]


def marked(view: LogView) -> int | None:
    """The number of the line that a search or a jump led to."""
    current = view.window().current
    return None if current is None else ends(view)[current]


def test_a_search_counts_and_walks_to_the_hits_and_around(views: LogViews, tmp_path: Path) -> None:
    writer = make_writer(tmp_path, Clock(), max_bytes=2000, backups=9)
    writer.feed(levelled(0, 100))
    view = open_view(views, tmp_path)
    view.set_search(LogPattern("e line"))
    wait_until(lambda: (found := view.window().search) is not None and (found.hits, found.counted) == (10, 1.0))
    assert view.window().at_end
    for is_back, hit, seek in [
        (True, 90, Seek.FOUND),
        (True, 80, Seek.FOUND),
        (False, 90, Seek.FOUND),
        (False, 0, Seek.WRAPPED),
        (True, 90, Seek.WRAPPED),
    ]:
        view.to_hit(is_back=is_back)
        wait_until(lambda hit=hit: marked(view) == hit and len(view.window().lines) == 5)  # type: ignore[misc]
        found = view.window().search
        assert found is not None
        assert found.seek is seek
        assert not view.window().at_end
    writer.feed(levelled(100, 120))
    wait_until(lambda: (found := view.window().search) is not None and found.hits == 12)
    view.set_search(None)
    wait_until(lambda: view.window().search is None)


def test_keys_pressed_faster_than_windows_come_all_count(views: LogViews, tmp_path: Path) -> None:
    make_writer(tmp_path, Clock(), max_bytes=100_000).feed(levelled(0, 200))
    view = open_view(views, tmp_path)
    view.set_search(LogPattern("E line"))
    for _ in range(7):
        view.to_hit(is_back=True)
    wait_until(lambda: marked(view) == 130)


def test_a_hit_in_sight_moves_no_line(views: LogViews, tmp_path: Path) -> None:
    make_writer(tmp_path, Clock(), max_bytes=100_000).feed(levelled(0, 50))
    view = open_view(views, tmp_path, height=25)
    wait_until(lambda: ends(view) == list(range(25, 50)))
    view.set_search(LogPattern("E line"))
    view.to_hit(is_back=True)
    wait_until(lambda: marked(view) == 40)
    assert ends(view) == list(range(25, 50))


def test_nothing_found_is_told(views: LogViews, tmp_path: Path) -> None:
    make_writer(tmp_path, Clock(), max_bytes=100_000).feed(levelled(0, 50))
    view = open_view(views, tmp_path)
    view.set_search(LogPattern("nowhere"))
    view.to_hit(is_back=True)
    wait_until(lambda: (found := view.window().search) is not None and found.seek is Seek.NOTHING)
    assert view.window().at_end


def test_a_filter_shows_what_passes_follows_it_and_keeps_the_place(views: LogViews, tmp_path: Path) -> None:
    writer = make_writer(tmp_path, Clock(), max_bytes=2000, backups=20)
    writer.feed(levelled(0, 200))
    view = open_view(views, tmp_path)
    view.set_filter(LogFilter(least=LogLevel.ERROR))
    wait_until(lambda: ends(view) == [150, 160, 170, 180, 190])
    assert view.window().at_end
    writer.feed(levelled(200, 225))
    wait_until(lambda: ends(view) == [180, 190, 200, 210, 220])
    view.scroll(-3)
    wait_until(lambda: ends(view) == [150, 160, 170, 180, 190])
    writer.feed(levelled(225, 245))
    wait_until(lambda: view.window().new_lines == 2)
    view.set_filter(LogFilter())
    wait_until(lambda: ends(view) == [150, 151, 152, 153, 154])
    view.set_filter(LogFilter(LogPattern(r"[05]1$", is_regex=True)))
    wait_until(lambda: ends(view) == [51, 101, 151, 201])
    view.set_filter(LogFilter(LogPattern("nowhere")))
    wait_until(lambda: not view.window().lines and not view.window().is_filling)


def test_a_filter_goes_all_the_way_back_in_a_long_log(views: LogViews, tmp_path: Path) -> None:
    rare = b"the needle 1\n" + b"an unremarkable line\n" * 200_000 + b"the needle 2\n" + b"another line\n" * 100_000
    (tmp_path / "stdout.log").write_bytes(rare)
    view = open_view(views, tmp_path)
    view.set_filter(LogFilter(LogPattern("NEEDLE".lower())))
    wait_until(lambda: texts(view) == ["the needle 1", "the needle 2"])


def test_a_moment_shows_what_was_read_then(views: LogViews, tmp_path: Path) -> None:
    clock = Clock(5000.0)
    out, err = (
        make_writer(tmp_path, clock, stream=stream, max_bytes=300, backups=20) for stream in ("stdout", "stderr")
    )
    for number in range(100):
        clock.now += 1.0
        (err if number % 3 else out).feed(b"line %d\n" % number)
    view = open_view(views, tmp_path, height=6)
    for moment, number in [(5050.5, 50), (5000.0, 0), (5100.0, 99), (5031.0, 30)]:
        view.to_time(moment)
        wait_until(lambda number=number: marked(view) == number and len(ends(view)) == 6)  # type: ignore[misc]
        assert not view.window().at_end
    assert ends(view) == list(range(28, 34))
    view.to_time(9999.0)
    wait_until(lambda: ends(view) == list(range(94, 100)))
    assert view.window().current is None


def test_holding_stops_the_lines_where_they_are(views: LogViews, tmp_path: Path) -> None:
    writer = make_writer(tmp_path, Clock(), max_bytes=100_000)
    writer.feed(numbers(0, 50))
    view = open_view(views, tmp_path)
    wait_until(lambda: texts(view) == shown(45, 50))
    view.hold()
    wait_until(lambda: not view.window().at_end)
    writer.feed(numbers(50, 60))
    wait_until(lambda: view.window().new_lines == 10)
    assert texts(view) == shown(45, 50)


def test_several_instances_make_one_log_by_time(views: LogViews, tmp_path: Path) -> None:
    clock = Clock()
    writers = {name: make_writer(tmp_path / name, clock, max_bytes=100, backups=9) for name in ("qwen", "bge", "chat")}
    for number in range(60):
        clock.now += 1.0
        writers[("qwen", "bge", "chat")[number % 3]].feed(b"line %d\n" % number)
    view = views.open("all", {name: tmp_path / name for name in writers})
    view.resize(9)
    wait_until(lambda: texts(view) == shown(51, 60))
    assert [line.name for line in view.window().lines] == ["qwen", "bge", "chat"] * 3
    view.scroll(-20)
    wait_until(lambda: texts(view) == shown(31, 40))


def test_a_pattern_that_is_no_expression_is_refused_at_once(views: LogViews, tmp_path: Path) -> None:
    view = open_view(views, tmp_path)
    with pytest.raises(UsageError, match="not a regular expression"):
        view.set_search(LogPattern("(", is_regex=True))
    with pytest.raises(UsageError, match="not a regular expression"):
        view.set_filter(LogFilter(LogPattern("[", is_regex=True)))
