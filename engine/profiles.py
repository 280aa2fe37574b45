"""What using a profile would change: its instances start, with what they depend on, and the rest stops. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from engine.snapshots import Desired, InstanceSnapshot, ProfileSnapshot, Snapshot, Status

_UP = frozenset({Status.STARTING, Status.RUNNING})


@dataclass(frozen=True, slots=True)
class Switch:
    """What would happen, by name."""

    starts: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()

    @property
    def is_done(self) -> bool:
        """True when the profile is in use already."""
        return not (self.starts or self.stops)


def plan_switch(profile: ProfileSnapshot, snapshot: Snapshot) -> Switch:
    """What using `profile` would start and stop, as things are in `snapshot`."""
    wanted = frozenset(profile.needed)
    by_name = {one.name: one for one in snapshot.instances}
    return Switch(
        starts=tuple(name for name in profile.needed if not is_up(by_name.get(name, InstanceSnapshot(name)))),
        stops=tuple(one.name for one in snapshot.instances if one.name not in wanted and not is_at_rest(one)),
    )


def is_up(one: InstanceSnapshot) -> bool:
    """True when a start would change nothing."""
    return one.desired is Desired.RUNNING and one.status in _UP


def is_at_rest(one: InstanceSnapshot) -> bool:
    """True when a stop would change nothing."""
    return one.desired is Desired.STOPPED and one.status is Status.STOPPED and one.pid is None
