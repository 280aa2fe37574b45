"""What is cut out of config.toml, and that nothing else of it changes."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.addition import build_tables
from engine.config.removal import cut_instance
from engine.config.writing import ConfigDocument, load_document
from engine.errors import ConfigError

FILE = """\
# the top
[server]
binary = "auto"   # stays

# about a
# and more
[instances.a]
model = "m"
text = '''
[instances.b]
'''
# still a's

# nobody's

# about b
[instances.b] # here
model = "n"

[instances.a.healthcheck]
type = "none"

# the tail
"""


def cut(tmp_path: Path, text: str, name: str) -> str:
    path = tmp_path / "config.toml"
    path.write_bytes(text.encode())
    return cut_instance(load_document(path, {}), name).decode()


def test_every_table_of_the_instance_goes_and_every_other_line_stays(tmp_path: Path) -> None:
    assert cut(tmp_path, FILE, "a") == (
        '# the top\n[server]\nbinary = "auto"   # stays\n\n# nobody\'s\n\n# about b\n[instances.b] # here\n'
        'model = "n"\n\n# the tail\n'
    )


def test_a_header_inside_a_text_is_no_header(tmp_path: Path) -> None:
    left = cut(tmp_path, FILE, "b")
    assert "text = '''\n[instances.b]\n'''" in left
    assert "about b" not in left
    assert "# nobody's\n\n[instances.a.healthcheck]" in left


@pytest.mark.parametrize(
    "text",
    [
        'instances = { a = { model = "x" }, b = { model = "y" } }\n',
        'instances.a.model = "x"\ninstances.b.model = "y"\n',
        '[instances]\na = { model = "x" }\nb = { model = "y" }\n',
        '[instances."a"]\nmodel = "x"\n[instances]\nb.model = "y"\n',
    ],
    ids=["inline", "dotted", "inline-in-table", "quoted"],
)
def test_an_instance_is_cut_however_it_is_written(tmp_path: Path, text: str) -> None:
    assert tomllib.loads(cut(tmp_path, text, "a")) == {"instances": {"b": {"model": "y"}}}


def test_windows_line_ends_and_the_byte_order_mark_stay(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b'\xef\xbb\xbf# top\r\n\r\n[instances.a]\r\nmodel = "x"\r\n\r\n[instances.b]\r\nmodel = "y"\r\n')
    assert cut_instance(load_document(path, {}), "a") == b'\xef\xbb\xbf# top\r\n\r\n[instances.b]\r\nmodel = "y"\r\n'


def test_the_last_instance_leaves_the_rest_of_the_file(tmp_path: Path) -> None:
    assert cut(tmp_path, '[server]\nbinary = "auto"\n\n[instances.a]\nmodel = "x"\n', "a") == (
        '[server]\nbinary = "auto"\n'
    )


def test_a_name_that_is_not_there_is_a_key_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        cut(tmp_path, FILE, "c")


def test_what_cannot_be_cut_alone_is_refused(tmp_path: Path) -> None:
    """Only a file that changes under the reader does this; it is never written wrong."""
    path = tmp_path / "config.toml"
    path.write_text(FILE)
    document = load_document(path, {})
    other = ConfigDocument(path, b"[instances.a]\n", document.raw)
    with pytest.raises(ConfigError, match="remove it in an editor"):
        cut_instance(other, "a")


NAMES = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,8}\Z")
TABLES = st.fixed_dictionaries(
    {"args": st.lists(st.text(max_size=9)), "env": st.dictionaries(st.text(max_size=4), st.text(max_size=9))}
)


@given(st.dictionaries(NAMES, TABLES, min_size=1, max_size=4), st.data())
def test_what_is_left_says_exactly_the_others(tables: dict[str, dict[str, object]], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(tables)))
    text = build_tables({one: (f"about {one}", table) for one, table in tables.items()})
    document = ConfigDocument(Path("config.toml"), text.encode(), tomllib.loads(text))
    left = tomllib.loads(cut_instance(document, name).decode())
    assert left.get("instances", {}) == {one: table for one, table in tables.items() if one != name}
