"""What a process may do beside newer and older releases of itself: lead, claim the lead, follow, or none of these."""

from __future__ import annotations

from engine import wire
from engine.clock import Clock
from engine.errors import LeaderVersionError, StateError
from engine.paths import Home
from engine.snapshots import Fault
from engine.state.reading import read_schema_version
from engine.versions import explain_outdated, explain_unspoken

ASIDE_S = 5.0
"""How long a leader that has yielded leaves the lock to the one that asked for it; it may have died since."""
LOOK_LIMIT_S = 0.1
"""What a locked database may hold up a look at its version."""


class Seniority:
    """One process among others on its home. Any thread may read what is public; the methods are the engine's own.

    `claims` is True for those that supervise everything: they ask an older leader to yield. A command does not: it
    supervises for a moment only, and the older leader may be a daemon that must go on.
    """

    def __init__(
        self,
        home: Home,
        hello: wire.Hello,
        clock: Clock,
        *,
        claims: bool,
    ) -> None:
        self.hello = hello
        """What this process says of itself."""
        self.error: StateError | None = None
        """Why this process cannot lead; None as far as it can."""
        self._home = home
        self._clock = clock
        self._claims = claims
        self._since = 0.0
        self._aside_until = float("-inf")

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What the operator of this process should know."""
        return () if self.error is None else (Fault("version", str(self.error), self._since),)

    def may_lead(self) -> bool:
        """True unless a newer release has claimed the lead, or brought the database to a later schema."""
        return self._clock.monotonic() >= self._aside_until and not self.is_outdated()

    def step_aside(self) -> None:
        """Leave the lead to a newer release for a while."""
        self._aside_until = self._clock.monotonic() + ASIDE_S

    def is_outdated(self) -> bool:
        """Look at the database: True when a newer release has brought it to a later schema.

        One that cannot be read tells nothing here: whoever opens it will say what is wrong with it.
        """
        try:
            schema = read_schema_version(self._home.state_file, LOOK_LIMIT_S) if self._home.state_file.exists() else 0
        except (StateError, OSError):
            return False
        self._note_schema(schema)
        return self.error is not None

    def meet(self, leader: wire.Hello) -> bool:
        """Judge whom we follow; True when it is older and is to be asked to yield.

        Raises:
            LeaderVersionError: neither that, nor can we talk with each other.
        """
        own, other = self.hello.release, leader.release
        self._note_schema(other.schema)
        if self._claims and own.is_newer_than(other):
            return True
        check_leader(self.hello, leader)
        return False

    def _note_schema(self, schema: int) -> None:
        known = self.hello.release.schema
        if schema <= known:
            self.error = None
        elif self.error is None:
            self._since = self._clock.wall()
            self.error = StateError(f"{self._home.state_file}: {explain_outdated(self.hello.release, schema)}")


def check_leader(own: wire.Hello, leader: wire.Hello) -> None:
    """See that we can talk with a leader.

    Raises:
        LeaderVersionError: we cannot.
    """
    if not own.release.speaks_with(leader.release):
        raise LeaderVersionError(explain_unspoken(own.release, leader.release, leader.describe()))
