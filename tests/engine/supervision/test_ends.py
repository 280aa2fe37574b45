"""What is read of a run's end: its own last words, no secrets, and what they amount to."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.health.signatures import CauseKind
from engine.paths import HOME_VARIABLE, Home, find_home
from engine.reconciler import Intent
from engine.supervision.ends import (
    LAST_LINES,
    WORDS_BYTES,
    WORDS_LINES,
    hide_secrets,
    judge_end,
    read_last_words,
)
from engine.supervision.exit_records import ExitRecord
from tests.engine.logs.support import Clock, make_writer

MISSING = "0.00.007.044 E gguf_init_from_file: failed to open GGUF file '/m/x.gguf' (No such file or directory)"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return find_home({HOME_VARIABLE: str(tmp_path)})


def _write(home: Home, when: float, *lines: str, stream: str = "stderr") -> None:
    """One run's words in a log; each run has a writer of its own, as with a keeper each."""
    home.instance_logs("x").mkdir(parents=True, exist_ok=True)
    writer = make_writer(home.instance_logs("x"), Clock(when), stream=stream, max_bytes=10_000_000)
    writer.feed("".join(f"{line}\n" for line in lines).encode())
    writer.close()


def _record(
    code: int | None = 1, signal: int | None = None, intent: Intent = Intent.NONE, run_id: str = "r"
) -> ExitRecord:
    return ExitRecord(run_id, code, signal, intent, 100.0, 130.0)


class TestLastWords:
    def test_an_earlier_run_is_not_heard(self, home: Home) -> None:
        _write(home, 1000.0, MISSING)
        _write(home, 1010.0, "E its own words")

        assert read_last_words(home, "x", 1005.0) == ("E its own words",)

    def test_both_streams_are_heard_in_the_order_of_time(self, home: Home) -> None:
        _write(home, 1000.0, "one")
        _write(home, 1001.0, "two", stream="stdout")
        _write(home, 1002.0, "three")

        assert read_last_words(home, "x", 999.0) == ("one", "two", "three")

    def test_only_so_many_lines_are_read(self, home: Home) -> None:
        _write(home, 1000.0, *(f"line {number}" for number in range(1000)))

        words = read_last_words(home, "x", 0.0)

        assert len(words) == WORDS_LINES
        assert words[-1] == "line 999"

    def test_only_so_many_bytes_are_read(self, home: Home) -> None:
        _write(home, 1000.0, *(f"{number:03}" + "x" * 2000 for number in range(300)))

        words = read_last_words(home, "x", 0.0)

        assert WORDS_BYTES / 2 < sum(map(len, words)) <= WORDS_BYTES
        assert words[-1].startswith("299")

    def test_no_log_has_no_words(self, home: Home) -> None:
        assert read_last_words(home, "x", 0.0) == ()

    @pytest.mark.parametrize(
        ("line", "shown"),
        [
            ("error: invalid argument: --api-key=s3cret", "error: invalid argument: --api-key=***"),
            ("ran with LLAMA_API_KEY=s3cret and TERM=xterm", "ran with LLAMA_API_KEY=*** and TERM=xterm"),
            ("release: stop processing: n_tokens = 20", "release: stop processing: n_tokens = 20"),
            ("error: invalid argument: --ctx=5", "error: invalid argument: --ctx=5"),
        ],
    )
    def test_secrets_are_hidden_and_nothing_else(self, line: str, shown: str) -> None:
        assert hide_secrets(line) == shown


class TestJudgement:
    def test_a_known_cause_is_the_error_with_what_to_do(self) -> None:
        last = judge_end(_record(), (MISSING, "E exiting"), "")

        assert last.cause is not None
        assert last.cause.kind is CauseKind.MODEL_MISSING
        assert last.error == "the model file /m/x.gguf is missing; correct `model` in its table, or fetch the file"
        assert last.build_meta() == {
            "run": "r",
            "exit_code": 1,
            "signal": None,
            "intent": "",
            "cause": "model-missing",
            "hint": "correct `model` in its table, or fetch the file",
            "last_lines": (MISSING, "E exiting"),
            "report": "",
        }

    def test_without_a_known_cause_the_exit_and_the_last_line_are_told(self) -> None:
        last = judge_end(_record(code=7), ("all well", "what now?"), "")

        assert last.cause is None
        assert last.error == "exit code 7: what now?"

    def test_an_unhealthy_run_that_was_ended_is_not_taken_for_a_crash(self) -> None:
        last = judge_end(_record(None, 9, Intent.UNHEALTHY), (MISSING,), "no answer within 5 s")

        assert last.cause is None
        assert last.error == "ended because it was unhealthy: no answer within 5 s"

    def test_a_killed_keeper_is_not_blamed_on_the_log(self) -> None:
        last = judge_end(_record(None, None, Intent.ORPHAN), (MISSING,), "")

        assert last.cause is None
        assert "keeper was killed" in last.error

    def test_an_event_keeps_a_few_short_lines(self) -> None:
        last = judge_end(_record(), tuple(f"{number}" + "x" * 9000 for number in range(50)), "")

        assert len(last.lines) == LAST_LINES
        assert max(map(len, last.lines)) <= 500
