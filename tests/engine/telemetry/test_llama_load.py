"""What llama.cpp's answers say about its work."""

from __future__ import annotations

from engine.telemetry.llama_load import (
    Counters,
    Look,
    Props,
    SlotReading,
    Tally,
    parse_metrics,
    parse_props,
    parse_slots,
    weigh,
)

PROPS = Props(4, 2048, is_asleep=False)
METRICS = """\
# HELP llamacpp:prompt_tokens_total Number of prompt tokens processed, excluding cached tokens
# TYPE llamacpp:prompt_tokens_total counter
llamacpp:prompt_tokens_total 352
llamacpp:tokens_predicted_total 1500
llamacpp:predicted_tokens_seconds nan-sense
llamacpp:requests_processing 1
llamacpp:requests_deferred 3
"""


def busy(task: int, made: int, *, taken: int = 0, held: int = 0) -> SlotReading:
    return SlotReading(task, is_busy=True, made_tokens=made, prompt_tokens=taken, held_tokens=held, context_size=2048)


def idle(held: int = 0) -> SlotReading:
    return SlotReading(-1, is_busy=False, made_tokens=0, prompt_tokens=0, held_tokens=held, context_size=2048)


def rates(*looks: Look) -> list[tuple[float | None, float | None]]:
    """Prompt and token rates after each look."""
    tally: Tally | None = None
    found = []
    for look in looks:
        load, tally = weigh(look, PROPS, tally)
        found.append((load.prompt_tokens_per_s, load.tokens_per_s))
    return found


def test_metrics_are_read_whatever_else_stands_among_them() -> None:
    assert parse_metrics(METRICS) == Counters(352, 1500, 1, 3)


def test_another_programs_metrics_are_none_of_llama_cpps() -> None:
    assert parse_metrics("process_cpu_seconds_total 12\n<html>") is None


def test_slots_are_read_with_and_without_their_newer_fields() -> None:
    told = [
        {
            "id": 0,
            "n_ctx": 2048,
            "is_processing": True,
            "id_task": 7,
            "n_prompt_tokens": 1663,
            "n_prompt_tokens_processed": 352,
            "next_token": [{"n_decoded": 1311}],
        },
        {"id": 1, "n_ctx": 2048, "is_processing": False},
        {"id": 2, "n_ctx": 2048, "is_processing": True, "id_task": 8, "next_token": {"n_decoded": 5}},
        "nonsense",
    ]

    assert parse_slots(told) == (busy(7, 1311, taken=352, held=1663), idle(), busy(8, 5))
    assert parse_slots({"error": "off"}) is None


def test_props_of_another_server_are_none() -> None:
    assert parse_props({"status": "ok"}) is None
    assert parse_props([]) is None
    told = {"total_slots": 4, "default_generation_settings": {"n_ctx": 2048}, "is_sleeping": True}
    assert parse_props(told) == Props(4, 2048, is_asleep=True)


def test_the_first_look_has_no_rate_yet() -> None:
    assert rates(Look(1.0, Counters(10, 20, 0, 0), ())) == [(None, None)]


def test_tokens_of_unfinished_requests_count_while_they_are_made_and_once_only() -> None:
    found = rates(
        Look(0.0, Counters(0, 0, 0, 0), (idle(),)),
        Look(1.0, Counters(50, 0, 1, 0), (busy(1, 100),)),
        Look(3.0, Counters(50, 0, 1, 0), (busy(1, 300),)),
        Look(4.0, Counters(50, 350, 0, 0), (idle(),)),
    )

    assert found[1:] == [(50.0, 100.0), (0.0, 100.0), (0.0, 50.0)]


def test_a_request_that_ends_between_two_answers_makes_no_spike() -> None:
    found = rates(
        Look(0.0, Counters(0, 0, 1, 0), (busy(1, 100),)),
        Look(1.0, Counters(0, 0, 1, 0), (idle(),)),
        Look(2.0, Counters(0, 120, 0, 0), (idle(),)),
    )

    assert found[1:] == [(0.0, 0.0), (0.0, 20.0)]


def test_without_counters_the_slots_tell_each_request_by_itself() -> None:
    found = rates(
        Look(0.0, None, (busy(1, 40, taken=10),)),
        Look(1.0, None, (busy(1, 90, taken=10), busy(2, 5, taken=30))),
        Look(2.0, None, (busy(3, 7), idle())),
    )

    assert found[1:] == [(30.0, 55.0), (0.0, 7.0)]


def test_a_server_that_counts_from_zero_again_shows_no_negative_rate() -> None:
    found = rates(
        Look(0.0, Counters(500, 900, 0, 0), None),
        Look(1.0, Counters(10, 5, 0, 0), None),
        Look(2.0, Counters(10, 25, 0, 0), None),
    )

    assert found[1:] == [(0.0, 0.0), (0.0, 20.0)]


def test_the_context_is_that_of_the_fullest_slot_and_busy_slots_are_counted() -> None:
    look = Look(0.0, Counters(0, 0, 1, 2), (idle(held=100), busy(1, 9, held=1024), idle()))

    load, _ = weigh(look, PROPS, None)

    assert (load.context_used, load.context_size) == (1024, 2048)
    assert (load.busy_slots, load.total_slots, load.deferred) == (1, 3, 2)


def test_without_slots_the_counters_and_props_say_what_they_know() -> None:
    load, _ = weigh(Look(0.0, Counters(0, 0, 1, 2)), PROPS, None, "why")

    assert (load.busy_slots, load.total_slots, load.context_used, load.context_size) == (1, 4, None, 2048)
    assert load.note == "why"
