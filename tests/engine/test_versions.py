"""Which of two releases is newer, and which can talk with each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.process import records
from engine.versions import Release

RELEASES = st.builds(Release, st.from_regex(r"\d{1,2}(\.\d{1,2}){0,2}(rc1)?", fullmatch=True), *[st.integers(1, 3)] * 3)


@given(RELEASES, RELEASES)
def test_no_two_releases_are_newer_than_each_other(one: Release, other: Release) -> None:
    assert not (one.is_newer_than(other) and other.is_newer_than(one))


@given(RELEASES, RELEASES, RELEASES)
def test_yielding_goes_up_only(one: Release, two: Release, three: Release) -> None:
    if one.is_newer_than(two) and two.is_newer_than(three):
        assert one.is_newer_than(three)


@pytest.mark.parametrize(
    ("one", "other", "is_newer"),
    [
        pytest.param(Release("1.10", 1, 1, 1), Release("1.9", 1, 1, 1), True, id="numbers, not letters"),
        pytest.param(Release("1.2.0", 1, 1, 1), Release("1.2", 1, 1, 1), False, id="the same release"),
        pytest.param(Release("1.0", 1, 1, 2), Release("2.0", 1, 1, 1), True, id="nobody goes back behind a schema"),
        pytest.param(Release("1.0", 2, 1, 1), Release("1.0", 1, 1, 1), True, id="protocol"),
        pytest.param(Release("1.0", 1, 2, 1), Release("1.0", 1, 1, 1), True, id="keepers"),
        pytest.param(Release("nightly", 1, 1, 1), Release("", 1, 1, 1), False, id="no number at all"),
    ],
)
def test_the_newer_release(one: Release, other: Release, is_newer: bool) -> None:  # noqa: FBT001 - a table of cases
    assert one.is_newer_than(other) is is_newer


@pytest.mark.parametrize(("distance", "can_talk"), [(0, True), (1, True), (2, False), (5, False)])
def test_a_release_speaks_its_own_protocol_and_the_one_before(distance: int, can_talk: bool) -> None:  # noqa: FBT001
    one, other = Release("1", 1, 1, 1), Release("1", 1 + distance, 1, 1)
    assert one.speaks_with(other) is other.speaks_with(one) is can_talk


@pytest.mark.parametrize(
    ("version", "is_known"),
    [
        (str(records.VERSION), True),
        (str(records.VERSION + 1), True),
        (str(records.VERSION - 1), True),
        (str(records.VERSION + 2), False),
        ("", False),
        ("-1", False),
        ("x", False),
    ],
)
def test_a_record_of_a_version_nearby_is_understood(version: str, is_known: bool) -> None:  # noqa: FBT001
    assert records.is_spoken([("version", version)]) is is_known
    assert not records.is_spoken([])
