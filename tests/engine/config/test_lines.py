"""The scanner is held against the real parser: the same keys, on the lines they were written on."""

import json
import tomllib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.lines import KeyPath, find_lines, line_of

TOML_SIGNS = st.text(st.sampled_from("ab.=[]{}\"'\\#,\n\r\t -1:é"), max_size=60)


def key_paths(table: dict[str, object], above: KeyPath = ()) -> Iterator[KeyPath]:
    for key, value in table.items():
        yield (*above, key)
        if isinstance(value, dict):
            yield from key_paths(value, (*above, key))


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("a = 1\nb = 2", ("b",), 2),
        ("[x]\n\n# b = 1\nb = 2", ("x", "b"), 4),
        ("[ x . 'y z' ]\nb = 2", ("x", "y z", "b"), 2),
        ('a = """\nb = 1\n"""\nb = 2', ("b",), 4),
        ("a = '''\n[x]\n'''\n[x]", ("x",), 4),
        ('a = """x\\"""" # "\nb = 2', ("b",), 2),
        ('a = """x""\n"""""\nb = 2', ("b",), 3),
        ('a = "# \\" b"\nb = 2', ("b",), 2),
        ("a = 'c:\\'\nb = 2", ("b",), 2),
        ("a = [\n  1, # ]\n  ']',\n]\nb = 2", ("b",), 5),
        ("a = [{ b = 1 },\n{ b = 2 }]\nb = 2", ("b",), 3),
        ("a.b.c = 1\na.b.d = 2", ("a", "b", "d"), 2),
        ("\n[x]\na = { b = { c = 1 }, d = [1,\n2], e = 3 }", ("x", "a", "e"), 4),
        ("\n[x]\na = { b = { c = 1 } }", ("x", "a", "b", "c"), 3),
        ('"a\\u0062".c = 1', ("ab", "c"), 1),
        ("a = 1\r\nb = 2\r\n", ("b",), 2),
        ('x = { a = """y"""", b = 1 }', ("x", "b"), 1),
        ("[[x]]\na = 1\n[[x]]\nb = 2", ("x", "b"), 4),
        ("d = 1979-05-27 07:32:00 # t\nb = 2", ("b",), 2),
    ],
)
def test_a_key_is_found_on_its_line(text: str, path: KeyPath, line: int) -> None:
    tomllib.loads(text)
    assert find_lines(text)[path] == line


def test_a_key_that_is_not_there_is_looked_for_at_the_nearest_table() -> None:
    lines = find_lines("\n[instances.a]\nmodel = 'x'")
    assert line_of(lines, ("instances", "a", "healthcheck", "type")) == 2
    assert line_of(lines, ("server",)) is None


@given(st.text() | TOML_SIGNS)
def test_no_text_makes_the_scanner_fail_and_every_line_exists(text: str) -> None:
    last = text.count("\n") + 1
    assert all(1 <= line <= last for line in find_lines(text).values())


@pytest.mark.parametrize("text", ["a = " + "[" * 100_000, "a = " + "{a=" * 100_000, "[" * 100_000, "a." * 20_000])
def test_deep_nesting_is_no_danger(text: str) -> None:
    find_lines(text)


@given(TOML_SIGNS)
def test_the_scanner_finds_the_keys_of_every_short_text_that_parses(text: str) -> None:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert set(key_paths(table)) <= set(find_lines(text))


def quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


BARE = st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True)
BASIC = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8).map(quote)
LITERAL = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="'"), max_size=8).map("'{}'".format)
KEY = st.one_of(BARE, BASIC, LITERAL)
TEXT = st.text(st.sampled_from("ab #[]{}=\n,'.\""), max_size=12)
SCALAR = st.one_of(
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9).map(lambda x: f"{x:f}"),
    st.sampled_from(["true", "1979-05-27", "1979-05-27 07:32:00", "inf", "''", '""', '""""""', "''''''"]),
    TEXT.map(quote),
    TEXT.map(lambda s: '"""\n' + s.replace('"', '\\"') + '"""'),
    TEXT.map(lambda s: "'''" + s.replace("'", "") + "'''"),
)
ARRAY = st.lists(SCALAR, max_size=3).map(lambda items: "[\n" + ", # ] {\n".join(items) + "\n]")
INLINE = st.lists(SCALAR | ARRAY, max_size=3).map(
    lambda items: "{ " + ", ".join(f"k{n} = {item}" for n, item in enumerate(items)) + " }"
)
FILLER = st.lists(st.sampled_from(["", "# key = 1", "   ", "\t# [x]"]), max_size=2)


def as_path(written: str) -> str:
    return next(iter(tomllib.loads(f"{written} = 1")))


@given(st.data())
def test_every_key_of_a_generated_file_is_found_on_the_line_it_was_written_on(data: st.DataObject) -> None:
    rows: list[str] = []
    expected: dict[KeyPath, int] = {}
    for number in range(data.draw(st.integers(0, 4))):
        rows += data.draw(FILLER)
        header = [f"t{number}", data.draw(KEY)]
        table = (f"t{number}", as_path(header[1]))
        rows.append(f"[{data.draw(st.sampled_from(['.', ' . ']))}]".replace(".", f"{header[0]}.{header[1]}", 1))
        expected[table] = len(rows)
        for key in data.draw(st.lists(KEY, max_size=4, unique_by=as_path)):
            rows += data.draw(FILLER)
            value = data.draw(SCALAR | ARRAY | INLINE)
            expected[(*table, as_path(key))] = len(rows) + 1
            rows += f"{key} = {value}".split("\n")
    text = "\n".join(rows)
    found = find_lines(text)
    assert {path: found.get(path) for path in expected} == expected
    assert set(key_paths(tomllib.loads(text))) == set(found)
