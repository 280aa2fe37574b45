from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.log_asking import LogFilter, LogLevel, LogPattern
from engine.log_levels import at_least, level_of
from engine.logs.needles import find_needles, stays_within_lines
from engine.logs.sieve import Sieve, _lines_matched
from tests.engine.logs.support import split_naively

WORDS = ["error", "Error", "load", "a", "ab", "é", "É", "ſ", "K", " ", "12", "\\d", ".", "[x]", "(a|b)", "\t", "\r"]
TEXT = st.lists(st.sampled_from([*WORDS, "\n", "\n", "\x1b[31m", "\ufffd"]), max_size=40).map("".join)
ATOM = st.sampled_from(
    ["a", "b", "error", "é", "1", ".", r"\d", r"\s", r"\.", "[^a]", "[ab]", r"[\]x]", "^", "$", r"\b"]
)
PIECE = st.builds(
    lambda atom, count: atom + count if atom not in "^$" and atom != r"\b" else atom,
    ATOM,
    st.sampled_from(["", "", "", "?", "*", "+", "{2}", "{,3}", "*?"]),
)
BRANCH = st.lists(PIECE, min_size=1, max_size=5).map("".join)
GROUPED = st.one_of(BRANCH, BRANCH.map("({})".format), BRANCH.map("(?:{})x".format), BRANCH.map("(?=a){}".format))
EXPRESSION = st.lists(GROUPED, min_size=1, max_size=3).map("|".join)
PATTERN = st.one_of(
    EXPRESSION.map(lambda source: LogPattern(source, is_regex=True)),
    st.sampled_from([word for word in WORDS if word != "\r"]).map(LogPattern),
)


def compiles(source: str) -> bool:
    """Some made-up expressions repeat what cannot be repeated."""
    try:
        re.compile(source)
    except re.error:
        return False
    return True


@given(pattern=PATTERN, text=TEXT, least=st.sampled_from([None, *LogLevel]))
def test_blocks_give_the_lines_that_match_one_by_one(pattern: LogPattern, text: str, least: LogLevel | None) -> None:
    assume(not pattern.is_regex or compiles(pattern.text))
    data = text.encode()
    starts, at = [], 0
    for raw, line in zip(data.removesuffix(b"\n").split(b"\n"), split_naively(data), strict=False):
        wanted = pattern.compiled().search(line) and (least is None or at_least(least).match(line))
        if wanted:
            starts.append(at)
        at += len(raw) + 1
    assert Sieve(LogFilter(pattern, least)).starts(data) == starts


@given(source=EXPRESSION, text=TEXT)
def test_every_match_holds_one_of_the_needles(source: str, text: str) -> None:
    assume(compiles(source))
    needles = find_needles(source)
    for found in re.finditer(source, text):
        assert not needles or any(all(one in found[0] for one in branch) for branch in needles), (needles, found[0])


@given(source=EXPRESSION, text=TEXT)
def test_what_stays_within_lines_matches_a_block_where_it_matches_its_lines(source: str, text: str) -> None:
    assume(compiles(source) and stays_within_lines(source))
    lines = text.split("\n")
    assert [bool(found) for found in map(re.compile(source).search, lines)].count(True) == sum(
        1 for _ in _lines_matched(re.compile(source).search, text)
    )
    assert not any("\n" in found[0] for found in re.finditer(source, text))


@pytest.mark.parametrize(
    "source",
    [r"a\sb", "[^x]b", "a$", "^a", r"a\Wb", r"\Da", "(?s:.)", "(?=a)b", r"\n", r"\x0a", r"\012", "a\n", "[\t-z]b"],
)
def test_what_may_match_a_lines_end_is_tried_on_each_line(source: str) -> None:
    assert not stays_within_lines(source)


@pytest.mark.parametrize("source", [r"[A-Z]\w{5} \d{7}X", r"(a|b)\.c+", r"(?:x)?\S*?\[", r"\bfoo\d", "a.c|[]x]"])
def test_what_people_type_stays_within_lines(source: str) -> None:
    assert stays_within_lines(source)


@pytest.mark.parametrize("rare", ["", "X"])
def test_a_needle_in_every_line_is_not_sought_and_a_rare_one_is(rare: str) -> None:
    lines = [f"slot {number % 8} update: {number}" + (rare if number == 777 else "") for number in range(2000)]
    data = "".join(f"{line}\n" for line in lines).encode()
    expression = rf"update: \d+{rare or '7'}"
    starts = Sieve(LogFilter(LogPattern(expression, is_regex=True))).starts(data)
    found = [data[start : data.find(b"\n", start)].decode() for start in starts]
    assert found == [line for line in lines if re.search(expression, line)]


@pytest.mark.parametrize(("source", "line"), [("ſet", "set"), ("ı", "i"), ("x|ſ", "s")])
def test_a_letter_that_folds_into_ascii_is_found_there(source: str, line: str) -> None:
    starts = Sieve(LogFilter(LogPattern(source, is_regex=True))).starts(f"nothing\n{line}\n".encode())
    assert len("nothing\n") in starts


@pytest.mark.parametrize(
    ("source", "needles"),
    [
        ("out of memory", (("out of memory",),)),
        ("error|failed", (("error",), ("failed",))),
        (r"took \d+ ms", (("took ", " ms"),)),
        (r"\[CUDA\d\] oom", (("[CUDA", "] oom"),)),
        ("colou?r", (("colo", "r"),)),
        ("(a|b)xyz+", (("xyz",),)),
        ("a.c", (("a", "c"),)),
        (r"a\d+b\d+cc\d+d", (("cc", "a", "b"),)),
        ("error|.", ()),
        (r"\x41bc", ()),
        ("(?i:error)", ()),
        ("[abc", ()),
    ],
)
def test_the_needles_of_what_people_type(source: str, needles: tuple[tuple[str, ...], ...]) -> None:
    assert find_needles(source) == needles


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("0.02.118.442 E ggml: out of memory", LogLevel.ERROR),
        ("0.02.118.442 W load: odd token", LogLevel.WARNING),
        ("0.02.118.442 I no ERROR at all", LogLevel.INFO),
        ("12.02.118.442 D details", LogLevel.DEBUG),
        ("error: invalid argument: --mlock", LogLevel.ERROR),
        ("2026-01-31 12:00:00,123 WARNING uvicorn: slow", LogLevel.WARNING),
        ("Traceback (most recent call last):", LogLevel.ERROR),
        ("E is for error", None),
        ("terrors: none", None),
        ("", None),
    ],
)
def test_a_line_claims_its_level(text: str, level: LogLevel | None) -> None:
    assert level_of(text) is level
    for least in LogLevel:
        is_loud = level is not None and list(LogLevel).index(level) >= list(LogLevel).index(least)
        assert bool(at_least(least).match(text)) is is_loud


@pytest.mark.parametrize(
    ("pattern", "text", "is_found"),
    [
        (LogPattern("oom"), "OOM", True),
        (LogPattern("Oom"), "OOM", False),
        (LogPattern("a.c"), "abc", False),
        (LogPattern("a.c", is_regex=True), "ABC", True),
        (LogPattern(r"\S+C", is_regex=True), "abc", False),
        (LogPattern(r"\Sbc", is_regex=True), "ABC", True),
        (LogPattern("äh"), "ÄH", True),
    ],
)
def test_case_counts_only_for_upper_case_letters(pattern: LogPattern, text: str, is_found: bool) -> None:  # noqa: FBT001 - a row of a table
    assert bool(pattern.compiled().search(text)) is is_found
    assert bool(Sieve(LogFilter(pattern)).starts(text.encode())) is is_found


@pytest.mark.parametrize("source", ["(", "a{99999999999999}", "[", "*"])
def test_what_is_no_expression_says_so(source: str) -> None:
    with pytest.raises(UsageError, match="not a regular expression"):
        LogPattern(source, is_regex=True).compiled()
