"""When a daemon that was handed the lead may go."""

from __future__ import annotations

import pytest

from engine.daemon.idleness import Idleness, is_at_rest
from engine.snapshots import Desired, InstanceSnapshot, Snapshot, Status


def test_it_is_over_only_after_the_whole_limit_without_a_break() -> None:
    idleness = Idleness(60.0)
    assert not idleness.note(is_idle=True, now=0.0)
    assert idleness.left_s(10.0) == 50.0
    assert not idleness.note(is_idle=True, now=59.9)
    assert not idleness.note(is_idle=False, now=60.0)
    assert idleness.left_s(60.0) is None
    assert not idleness.note(is_idle=True, now=61.0)
    assert not idleness.note(is_idle=True, now=120.0)
    assert idleness.note(is_idle=True, now=121.0)


def test_without_a_limit_it_is_never_over() -> None:
    idleness = Idleness(None)
    assert not idleness.note(is_idle=True, now=0.0)
    assert not idleness.note(is_idle=True, now=1e9)
    assert idleness.left_s(1e9) is None


@pytest.mark.parametrize(
    ("one", "rests"),
    [
        (InstanceSnapshot("a"), True),
        (InstanceSnapshot("a", status=Status.FAILED), True),
        (InstanceSnapshot("a", pid=7, status=Status.RUNNING), False),
        (InstanceSnapshot("a", status=Status.STOPPING), False),
        (InstanceSnapshot("a", desired=Desired.RUNNING), False),
        (InstanceSnapshot("a", desired=Desired.RUNNING, status=Status.BACKOFF), False),
    ],
    ids=["stopped", "failed", "running", "stopping", "wanted", "backoff"],
)
def test_what_runs_or_is_wanted_keeps_it(one: InstanceSnapshot, rests: bool) -> None:  # noqa: FBT001 - a parameter
    assert is_at_rest(Snapshot(is_leader=True, instances=(InstanceSnapshot("b"), one))) is rests


def test_who_does_not_lead_is_not_at_rest() -> None:
    assert not is_at_rest(Snapshot())
