"""What stands in place of an empty table: a greeting, the place of the file, and what to write there."""

from __future__ import annotations

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from engine.snapshots import Fault, Snapshot
from widgets.text import clean, clean_block

EXAMPLE = """\
[instances.qwen]
model = "~/models/qwen3-4b-q4_k_m.gguf"
port = 8081
ctx_size = 8192
"""
"""The smallest file that serves a model; it is valid as it stands."""

GREETING = "Welcome. This console runs your llama.cpp models."
EXPLANATION = """\
It starts them, watches them, restarts what fails and says why it failed.
Models run on when this window closes, unless you stop them.
Each model is one table in a file; the console takes changes up by itself."""


class Welcome(VerticalScroll, can_focus=False):
    """Greets on a first run; says what is wrong when there is no engine, or a file that gives no instance."""

    DEFAULT_CSS = """
    Welcome { align: center middle; padding: 0 2; }
    Welcome > Static { width: auto; max-width: 100%; }
    Welcome > #greeting { text-style: bold; color: $text-primary; margin-bottom: 1; }
    Welcome > #explanation { margin-bottom: 1; }
    Welcome > #place { color: $foreground 75%; }
    Welcome > #example { border: round $border-blurred; padding: 0 2; color: $text-accent; }
    Welcome > #problem { color: $text-warning; text-style: bold; margin-bottom: 1; }
    Welcome > #offer { margin-top: 1; }
    """

    def __init__(self, *, offers_demo: bool, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._offers_demo = offers_demo
        self._parts: dict[str, Static] = {}
        """By id; none until there is something to tell, for most consoles never greet."""

    def show(self, snapshot: Snapshot) -> None:
        """Tell about the file of this snapshot."""
        is_first = not self._parts
        if is_first:
            texts: dict[str, str | Content] = {
                "greeting": GREETING,
                "problem": "",
                "explanation": EXPLANATION,
                "place": "",
                "example": EXAMPLE.rstrip(),
                "offer": self._offer(),
            }
            self._parts = {name: Static(text, id=name, markup=False) for name, text in texts.items()}
        problem, is_read = _problem(snapshot), _is_read(snapshot)
        self._parts["problem"].update(Content(problem))
        self._parts["problem"].display = bool(problem)
        self._parts["greeting"].display = not problem
        self._parts["explanation"].display = not problem
        self._parts["place"].update(Content(_place(snapshot)))
        self._parts["place"].display = is_read
        self._parts["example"].display = is_read
        if is_first:
            self.mount_all(self._parts.values())

    def _offer(self) -> Content:
        key = "bold $text-accent"
        demo = Content.assemble(("D", key), " tries it now, with three tiny models   ") if self._offers_demo else ""
        new = Content.assemble(("n", key), " makes one of a model on this machine\n") if self._offers_demo else ""
        return Content.assemble(new, demo, ("?", key), " shows every key   ", ("q", key), " quits")


def told_here(snapshot: Snapshot) -> tuple[Fault, ...]:
    """The faults that the welcome tells in full: those of the file, and all while no engine has read it."""
    return tuple(one for one in snapshot.faults if one.key.startswith("config") or not _is_read(snapshot))


def _is_read(snapshot: Snapshot) -> bool:
    """False while there never was an engine: not even the file's place is known."""
    return bool(snapshot.config_path)


def _problem(snapshot: Snapshot) -> str:
    if not snapshot.config_exists:
        return ""
    if faults := told_here(snapshot):
        return "\n".join(clean_block(one.message) for one in faults)
    return f"{clean(snapshot.config_path)} holds no instances yet." if _is_read(snapshot) else "Nobody supervises yet."


def _place(snapshot: Snapshot) -> str:
    path = clean(snapshot.config_path)
    if not snapshot.config_exists:
        return f"Write this into {path}"
    return f"A table like this makes an instance, in {path}:"
