"""What the console does to the terminal outside its own screen: the title, the bell, a message of the desktop.

The title is pushed on the terminal's own stack and popped at the end (XTWINOPS 22 and 23, ``ctlseqs`` of xterm). The
message is OSC 9, which iTerm2 introduced and kitty, WezTerm, Ghostty, foot and Windows Terminal understand; a terminal
that does not ignores it. In tmux it goes through to the terminal outside, where ``allow-passthrough`` is on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from engine.habits import Notify
from engine.snapshots import Snapshot, State
from llama_orch_tui.herald import Herald
from widgets.text import clean, fit

BELL = "\a"
PUSH_TITLE = "\x1b[22;2t"
POP_TITLE = "\x1b[23;2t"
TITLE_LESS = frozenset({"linux", "dumb", "unknown", ""})
"""Values of ``TERM`` of terminals that have no title and might print it."""
MESSAGE_CELLS = 200
NAME = "lorch"


class Outside:
    """Owned by the application. Nothing is written between `end` and `begin`.

    Args:
        write: Writes to the terminal, in order with what else is drawn.
        environ: Tells which terminal that is.
        clock: Seconds since the epoch.
    """

    def __init__(self, write: Callable[[str], None], environ: Mapping[str, str], clock: Callable[[], float]) -> None:
        self._write = write
        self._has_title = environ.get("TERM", "") not in TITLE_LESS
        self._is_in_tmux = bool(environ.get("TMUX"))
        self._herald = Herald(clock)
        self._notify = Notify.OFF
        self._wanted = ""
        self._shown = ""
        self._is_open = False

    def begin(self) -> None:
        """From now on the terminal is ours."""
        self._is_open = True
        self._set_title(self._wanted)

    def end(self) -> None:
        """Give the terminal its own title back. Idempotent."""
        self._set_title("")
        self._is_open = False

    def show(self, snapshot: Snapshot) -> None:
        """Take up a new snapshot."""
        self._notify = snapshot.notify
        self._herald.hear(snapshot)
        self._wanted = describe_title(snapshot) if snapshot.has_title else ""
        self._set_title(self._wanted)

    def beat(self) -> None:
        """Call for the operator if that is due; to be called now and then."""
        if not (message := self._herald.speak()) or not self._is_open:
            return
        if self._notify in {Notify.DESKTOP, Notify.BOTH}:
            self._write(desktop_message(message, is_in_tmux=self._is_in_tmux))
        if self._notify in {Notify.BELL, Notify.BOTH}:
            self._write(BELL)

    def _set_title(self, title: str) -> None:
        if not self._has_title or not self._is_open or title == self._shown:
            return
        if not self._shown:
            self._write(PUSH_TITLE)
        self._write(f"\x1b]2;{title}{BELL}" if title else POP_TITLE)
        self._shown = title


def describe_title(snapshot: Snapshot) -> str:
    """``lorch: 5/7 ready, 1 failed``: what fits on a tab."""
    counts = Counter(one.state for one in snapshot.instances)
    parts = [f"{counts[State.READY]}/{len(snapshot.instances)} ready"] if snapshot.instances else []
    parts += [f"{counts[state]} {state.value}" for state in (State.FAILED, State.UNHEALTHY) if counts[state]]
    return f"{NAME}: {', '.join(parts)}" if parts else NAME


def desktop_message(message: str, *, is_in_tmux: bool) -> str:
    """What has the desktop show `message`, which may be any text; one line of bounded length comes of it."""
    text = fit(clean(message), MESSAGE_CELLS).rstrip()
    order = f"\x1b]9;{NAME}: {text}{BELL}"  # the name first: a number there would be another command to some
    return "\x1bPtmux;" + order.replace("\x1b", "\x1b\x1b") + "\x1b\\" if is_in_tmux else order
