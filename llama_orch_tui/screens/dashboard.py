"""The dashboard: composes the panes, shows snapshots in them, and routes what the operator asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message

from engine.protocol import Engine
from engine.snapshots import Act, Desired, Outcome, Snapshot, Target
from llama_orch_tui.action_kinds import Scope
from llama_orch_tui.actions import ACTIONS
from llama_orch_tui.exit_choice import ExitChoice
from llama_orch_tui.hints import FILTER_HINTS, PROMPT_HINTS, hints_for, obey_hint
from llama_orch_tui.keymap import DEFAULT_KEYS, KeyMap
from llama_orch_tui.offers import UNHEALTHY, Circumstances, is_working, offered
from llama_orch_tui.remembered import Remembered
from llama_orch_tui.risks import Risk, is_asked, weigh
from llama_orch_tui.screens.pane_acts import PaneActs
from widgets.fault_bar import FaultBar
from widgets.instance_table import TICK_S, InstanceTable
from widgets.key_footer import KeyFooter
from widgets.motion import Motion
from widgets.pane_deck import Pane
from widgets.top_bar import TopBar
from widgets.welcome import Welcome, told_here

if TYPE_CHECKING:
    from engine.profiles import Switch

SCOPES = (Scope.INSTANCE, Scope.DASHBOARD, Scope.TABLE, Scope.EVENTS, Scope.LOG, Scope.WELCOME, Scope.MOVES)


class DashboardScreen(PaneActs):
    """Table on top, events and log below, keys at the bottom."""

    BINDINGS: ClassVar[list[BindingType]] = [*DEFAULT_KEYS.bindings(*SCOPES)]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012 - Textual's own type
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]  # noqa: RUF012 - likewise

    @dataclass
    class ActDone(Message):
        """The engine answered a request."""

        outcome: Outcome
        names: tuple[str, ...]

    def __init__(
        self, engine: Engine, *, clock: Callable[[], float], remembered: Remembered, is_demo: bool = False
    ) -> None:
        super().__init__(engine, clock, remembered)
        self.snapshot = Snapshot()
        """What is on the screen."""
        self._is_demo = is_demo
        self._is_composed = False
        self._intended = (Pane.TABLE, "")
        """What is to be done as soon as a pane has the focus; nothing while it is empty."""
        self._key_map = DEFAULT_KEYS
        self._top_bar = TopBar(is_demo=is_demo)
        self._welcome = Welcome(offers_demo=not is_demo, id="welcome")
        self._fault_bar = FaultBar()
        self._footer = KeyFooter()

    def compose(self) -> ComposeResult:
        """Top bar, panes, welcome, faults, keys."""
        yield self._top_bar
        yield self.deck
        yield self._welcome
        yield self._fault_bar
        yield self._footer

    def on_mount(self) -> None:
        """The table has the focus; ages grow once a second."""
        self._is_composed = True
        self.table.focus()
        self.set_interval(TICK_S, self.table.tick)
        self.show(self.snapshot)

    def names(self) -> tuple[str, ...]:
        """Every instance, in the file's order."""
        return tuple(one.name for one in self.snapshot.instances)

    def go_to(self, name: str) -> None:
        """Put the cursor on an instance and the focus on the table."""
        self.deck.table_pane.close_filter()
        self.table.go_to(name)
        self.deck.go_to(Pane.TABLE)

    def run_in_pane(self, pane: Pane, call: str) -> None:
        """Go to a pane, then do there what `call` says, in Textual's words."""
        self._intended = (pane, call)
        self.deck.go_to(pane)  # the focus comes in a moment, and with it the right to do it

    def take_keys(self, key_map: KeyMap) -> None:
        """These keys from now on."""
        self._key_map = key_map
        key_map.rebind(self, *SCOPES)

    def show(self, snapshot: Snapshot) -> None:
        """Draw this snapshot everywhere."""
        self.snapshot = snapshot
        if not self._is_composed:
            return
        self.deck.table_pane.note_rates(snapshot)
        self.set_class(self.is_welcoming, "-welcome")
        self._top_bar.show(snapshot, self.deck.table_pane.rates.totals)
        self.deck.events.show(snapshot.events)
        self._fault_bar.show(snapshot.faults)
        if self.is_welcoming:
            self._welcome.show(snapshot)
            told = told_here(snapshot)
            self._fault_bar.show(tuple(one for one in snapshot.faults if one not in told))
        self._show_table()
        self.follow_written()

    def beat(self) -> None:
        """Between snapshots: draw what is new in the log, let the words of acts that took too long go."""
        if self._is_composed:
            self.deck.log_pane.poll()
            if self._desk.has_news(self.snapshot):
                self._show_table()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what works in the present pane."""
        return is_working(action, self._circumstances()) and super().check_action(action, parameters) is not False

    def on_resize(self, _event: events.Resize) -> None:
        """Fit the table's height to the new screen."""
        self.deck.fit()

    async def on_descendant_focus(self) -> None:
        """Other keys work in another pane; what was to be done there is done now."""
        self.show_keys()
        pane, call = self._intended
        if call and pane is self.deck.present:
            self._intended = (pane, "")
            await self.app.run_action(call)

    @on(InstanceTable.ViewChanged)
    def follow_view(self) -> None:
        """Marks and rows change what can be done, whose events are shown, and how high the table is."""
        self.deck.fit()
        self.follow_marks()
        self.show_keys()

    @on(KeyFooter.Pressed)
    async def press(self, event: KeyFooter.Pressed) -> None:
        """A click in the footer does what the key does."""
        await obey_hint(self, event.action)

    @on(ActDone)
    def tell_outcome(self, event: ActDone) -> None:
        """Say what became of a request; rows that it left alone show the truth again."""
        outcome = event.outcome
        self._desk.settle(outcome, event.names)
        self._show_table()
        if outcome.message:
            self.notify(outcome.message, severity="error" if outcome.exit_code else "information")

    def action_start(self) -> None:
        """Start what is chosen."""
        self._ask(Act.START)

    def action_stop(self) -> None:
        """Stop what is chosen."""
        self._ask(Act.STOP)

    def action_restart(self) -> None:
        """Restart what is chosen."""
        self._ask(Act.RESTART)

    def action_restart_unhealthy(self) -> None:
        """Restart everything unhealthy or failed."""
        names = self._unhealthy()
        if not names:
            self.notify("Nothing is unhealthy, failed or in backoff.")
            return
        risk = weigh(Act.RESTART, names, self.snapshot)
        if is_asked(risk, self.snapshot.confirm):
            self._confirm(risk, lambda: self._restart_still_unhealthy(names), key="u")
        else:
            self._submit(Act.RESTART, Target(unhealthy=True), names)

    def action_profile(self) -> None:
        """Choose a profile; what would start and stop is said before it is done."""
        if not self.snapshot.profiles:
            words = f"There is no profile yet: a table [profiles.NAME] in {self.snapshot.config_path} makes one."
            self.notify(words, severity="warning")
            return
        from llama_orch_tui.screens.questions import profile_question  # noqa: PLC0415 - not for the first paint

        self.app.push_screen(profile_question(self.snapshot), self._use_profile)

    def action_mark(self) -> None:
        """Mark the row."""
        self.table.toggle_mark()

    def action_mark_all(self) -> None:
        """Mark all rows, or none."""
        self.table.toggle_all_marks()

    def action_filter(self) -> None:
        """Type a filter."""
        self.deck.table_pane.open_filter()
        self.deck.fit()

    def action_move(self, motion: str) -> None:
        """Move in the pane that has the focus."""
        self.deck.move(Motion(motion))

    def action_focus_pane(self, pane: str) -> None:
        """Put the focus on a pane."""
        self.deck.go_to(Pane(pane))

    def action_cycle_focus(self, step: int) -> None:
        """To the next pane or the one before."""
        self.deck.cycle(step)

    def action_zoom(self) -> None:
        """The pane over the whole screen, and back."""
        self.deck.zoom(None if self.deck.zoomed is not None else self.deck.present)
        self.show_keys()

    def action_back(self) -> None:
        """One step back: what log or events hold back, the zoom, then the focus, then the filter, then the marks."""
        deck = self.deck
        has_lifted = deck.present is Pane.LOG and deck.log_pane.lift()
        if not has_lifted and not self.lift_events():
            self._step_back()
        self.show_keys()

    def _step_back(self) -> None:
        deck = self.deck
        if deck.zoomed is not None:
            deck.zoom(None)
        elif deck.present is not Pane.TABLE:
            deck.go_to(Pane.TABLE)
        elif deck.table_pane.is_filtering:
            deck.table_pane.close_filter()
            deck.fit()
        else:
            self.table.clear_marks()

    def action_demo(self) -> None:
        """Leave, and ask for the demo."""
        self.app.exit(ExitChoice.DEMO)

    def _ask(self, act: Act) -> None:
        self.ask(act, tuple(one.name for one in self.table.chosen()))

    def ask(self, act: Act, names: tuple[str, ...]) -> None:
        """Ask for an act on these, after a question where one is due."""
        if names:
            # What was named is what is done, wherever cursor and marks are by the time of the answer.
            risk = weigh(act, names, self.snapshot)
            self._confirm(risk, lambda: self._submit(act, Target(names=names), names))

    def _confirm(self, risk: Risk, carry_out: Callable[[], None], key: str = "") -> None:
        """Carry out, after a question where the configuration asks for one."""
        if not is_asked(risk, self.snapshot.confirm):
            carry_out()
            return
        from llama_orch_tui.screens.questions import risk_question  # noqa: PLC0415 - not for the first paint

        self.app.push_screen(risk_question(risk, key), lambda answer: carry_out() if answer else None)

    def _unhealthy(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.snapshot.instances if one.state in UNHEALTHY)

    def _restart_still_unhealthy(self, asked: tuple[str, ...]) -> None:
        """What recovered while the question stood is left alone, and nothing that was not named is touched."""
        wanted = {one.name for one in self.snapshot.instances if one.desired is Desired.RUNNING}
        names = tuple(name for name in self._unhealthy() if name in asked and name in wanted)
        if names:
            self._submit(Act.RESTART, Target(names=names), names)
        else:
            self.notify("Nothing of it is unhealthy any more.")

    def _use_profile(self, name: str | None) -> None:
        from engine.profiles import plan_switch  # noqa: PLC0415 - nor for a switch

        if profile := next((one for one in self.snapshot.profiles if one.name == name), None):
            switch = plan_switch(profile, self.snapshot)
            self._confirm(weigh(Act.PROFILE, switch.stops, self.snapshot), lambda: self._switch(profile.name, switch))

    def _switch(self, profile: str, switch: Switch) -> None:
        for act, names in ((Act.START, switch.starts), (Act.STOP, switch.stops)):
            self._desk.expect(act, tuple(one for one in self.snapshot.instances if one.name in names))
        self._submit(Act.PROFILE, Target(profile=profile), (*switch.starts, *switch.stops))

    def _submit(self, act: Act, target: Target, names: tuple[str, ...]) -> None:
        concerned = tuple(one for one in self.snapshot.instances if one.name in names)
        self._desk.file(act, target, concerned, lambda outcome: self.post_message(self.ActDone(outcome, names)))
        self._show_table()

    def _show_table(self) -> None:
        self._desk.has_news(self.snapshot)
        self.table.show(self.snapshot, self._desk.words)
        self.deck.table_pane.show_why()
        self.deck.fit()
        self.show_keys()

    @property
    def is_welcoming(self) -> bool:
        """True while there is nothing to show but the welcome."""
        return self.snapshot.taken_at > 0 and (not self.snapshot.config_exists or not self.snapshot.instances)

    def _circumstances(self) -> Circumstances:
        deck, pane = self.deck, self.deck.present
        is_lifted = pane is Pane.TABLE and deck.zoomed is None and not deck.table_pane.is_filtering
        return Circumstances(
            pane=pane,
            is_welcoming=self.is_welcoming,
            is_demo=self._is_demo,
            chosen=self.table.chosen(),
            instances=self.snapshot.instances,
            has_profiles=bool(self.snapshot.profiles),
            has_removed=self.has_removed,
            has_events=bool(self.snapshot.events),
            can_go_back=not is_lifted or bool(self.table.marks),
            is_searching=(deck.events if pane is Pane.EVENTS else deck.log_pane).search is not None,
        )

    def show_keys(self) -> None:
        """The keys that work here and now."""
        if self.deck.table_pane.is_typing:
            self._footer.show(FILTER_HINTS)
        elif self.deck.events.is_typing:
            self._footer.show(PROMPT_HINTS[self.deck.events.prompt_kind])
        elif self.deck.log_pane.is_typing:
            self._footer.show(PROMPT_HINTS[self.deck.log_pane.prompt_kind])
        else:
            self._footer.show(hints_for(offered(ACTIONS, self._circumstances()), self._key_map))
