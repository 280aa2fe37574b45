"""The key `p`: what would start and stop is shown before it is done, in one request."""

from __future__ import annotations

from dataclasses import replace

from engine.snapshots import Act, ProfileSnapshot, Snapshot, State, Target
from tests.fakes.console import Operator, drive
from tests.fakes.scenes import TRIO, engine_of, instance, snapshot

NAMES = ("chat", "embed")
"""What runs."""


def with_profiles(*profiles: ProfileSnapshot) -> Snapshot:
    return replace(snapshot(TRIO), profiles=profiles)


def profile(name: str, *instances: str) -> ProfileSnapshot:
    return ProfileSnapshot(name, instances, instances)


def test_the_picker_says_what_would_start_and_stop_and_escape_does_nothing() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("p")
        await operator.until_shown("Use a profile")
        await operator.until_shown("evening · in use")
        await operator.until_shown("changes nothing")
        await operator.until_shown("stops embed")
        await operator.press("escape")
        await operator.until_gone("Use a profile")
        assert operator.engine.submitted == []

    drive(engine_of(with_profiles(profile("evening", *NAMES), profile("night", "chat"))), script)


def test_the_chosen_profile_is_one_request_and_its_effect_shows_at_once() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("p")
        await operator.until_shown("Use a profile")
        await operator.press("enter")
        await operator.until(lambda: bool(operator.engine.submitted))
        asked = operator.engine.submitted
        assert [(one.act, one.target) for one in asked] == [(Act.PROFILE, Target(profile="night"))]
        await operator.until(lambda: "stopping…" in operator.lines()[operator.line_of("8082")])
        assert "stopping…" not in operator.lines()[operator.line_of("8081")]
        asked[0].complete(13, "night: no such profile")
        await operator.until_gone("stopping…")

    drive(engine_of(with_profiles(profile("evening", *NAMES), profile("night", "chat"))), script)


def test_a_profile_has_a_letter_of_its_own() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("p")
        await operator.until_shown("Use a profile")
        await operator.press("e")
        await operator.until(lambda: bool(operator.engine.submitted))
        assert operator.engine.submitted[0].target == Target(profile="evening")

    drive(engine_of(with_profiles(profile("night", "chat"), profile("evening", *NAMES))), script)


def test_more_profiles_than_letters_are_chosen_by_the_cursor() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("p")
        await operator.until_shown("Use a profile")
        await operator.press("escape")
        await operator.until_gone("Use a profile")

    drive(engine_of(with_profiles(*(profile(f"profile-{number}", "chat") for number in range(40)))), script)


def test_without_profiles_the_key_says_how_to_make_one_and_is_not_offered() -> None:
    async def script(operator: Operator) -> None:
        assert "Profile" not in operator.lines()[-1]
        await operator.press("p")
        await operator.until_shown("[profiles.NAME]")

    drive(engine_of(snapshot(TRIO)), script)


def test_a_long_answer_goes_on_beside_its_key() -> None:
    async def script(operator: Operator) -> None:
        await operator.press("p")
        await operator.until_shown("Use a profile")
        first = operator.line_of("starts model-0")
        margins = [line.partition("│")[2][:6] for line in operator.lines()[first : first + 3]]
        assert margins == [" " * 5 + "s", " " * 5 + "m", " " * 5 + "m"], operator.text()

    rows = tuple(instance(f"model-{number}-of-a-long-name", State.STOPPED) for number in range(5))
    shown = replace(snapshot(rows), profiles=(profile("all", *(one.name for one in rows)),))
    drive(engine_of(shown), script, size=(80, 24))
