"""When the console itself goes wrong: a report without any values in it, and two sentences for the operator."""

from __future__ import annotations

import platform
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from textual.drivers._writer_thread import WriterThread

from engine.paths import Home
from llama_orch_tui import __version__

KEPT_REPORTS = 10


def write_report(home: Home, error: BaseException, now: float) -> Path:
    """Write down where `error` came from; `now` is the wall clock. Values of variables, which may be keys, stay out.

    Raises:
        OSError: the folder or the disk forbids it.
    """
    from engine.process import system  # noqa: PLC0415 - the first paint waits for no crash

    folder = home.console_crashes
    system.make_private_dir(str(folder))
    moment = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now))
    path = folder / f"{moment}.{int(now * 1000) % 1000:03}Z.txt"
    words = "".join(traceback.format_exception(error))
    path.touch(mode=0o600)
    path.write_text(
        f"llama-orch-tui {__version__}, Python {platform.python_version()}, {platform.platform()}\n\n{words}",
        encoding="utf-8",
    )
    for old in sorted(folder.glob("*.txt"))[:-KEPT_REPORTS]:
        old.unlink(missing_ok=True)
    return path


def explain(home: Home, error: BaseException, now: float) -> str:
    """What to tell the operator, after the report was written as well as it could be."""
    try:
        place = f"The report is {write_report(home, error, now)}"
    except OSError as refused:
        place = f"No report could be written ({refused}); it says:\n{''.join(traceback.format_exception(error))}"
    return f"The console broke down: {type(error).__name__}. `ps` shows which models run on. {place}"


def watch_threads(tell: Callable[[BaseException], None]) -> None:
    """Have `tell` called, on the thread that broke down, for every thread that ends by a mistake of ours.

    Python would print over the screen, and the process would go on with a part of it missing.
    """

    def hear(broken: threading.ExceptHookArgs) -> None:
        if isinstance(broken.thread, WriterThread):
            _let_writes_vanish(broken.thread)
        if broken.exc_value is not None:
            tell(broken.exc_value)

    threading.excepthook = hear


def _let_writes_vanish(writer: WriterThread) -> None:
    """Have nobody wait for a writer that has ended: its queue takes 30 pieces, and the console's own end writes more.

    A waiter goes on when the queue is below its limit, so there is as good as none from now on.
    """
    pieces = writer._queue  # noqa: SLF001 - Textual has no word for it
    with pieces.mutex:
        pieces.maxsize = sys.maxsize
        pieces.not_full.notify_all()
