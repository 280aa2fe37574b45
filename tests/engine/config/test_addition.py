"""What is added to config.toml, and that nothing else of it changes."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.addition import append_text, build_tables
from engine.config.writing import load_document
from engine.errors import ConfigError

TABLES: dict[str, object] = {"qwen": {"model": "/m.gguf", "env": {"A": "b"}, "logs": {"backups": 5}}}
TEXT = build_tables({"qwen": ("from there", TABLES["qwen"])})  # type: ignore[dict-item]


def append(path: Path) -> None:
    append_text(load_document(path, {}), TEXT, TABLES)


def test_a_first_file_is_made_private_and_says_the_tables(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config.toml"
    append(path)
    assert tomllib.loads(path.read_text()) == {"instances": TABLES}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["config.toml"]


@pytest.mark.parametrize(
    "old",
    [
        b"# mine\n[server]\nbinary = 'auto' # stays\n",
        b"[instances.a]\r\nmodel = 'x'\r\n",
        b"\xef\xbb\xbf[instances]\n[instances.a]\nmodel = 'x'",
        b"instances.a.model = 'x'\n",
        b"\n\n",
    ],
    ids=["comments", "crlf", "bom", "dotted", "empty"],
)
def test_every_byte_that_was_there_stays_where_it_was(tmp_path: Path, old: bytes) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(old)
    path.chmod(0o640)
    append(path)
    data = path.read_bytes()
    assert data.startswith(old)
    assert tomllib.loads(data.decode("utf-8-sig"))["instances"]["qwen"] == TABLES["qwen"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    if b"\r\n" in old:
        assert data.count(b"\n") == data.count(b"\r\n")


def test_a_file_that_nothing_can_be_added_to_is_refused_with_the_fix(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("instances = { a = { model = 'x' } }\n")
    with pytest.raises(ConfigError, match=r"write \[instances.NAME\] as tables of their own"):
        append(path)
    assert path.read_text() == "instances = { a = { model = 'x' } }\n"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "dotfiles.toml", tmp_path / "config.toml"
    real.write_text("# mine\n")
    link.symlink_to(real)
    append(link)
    assert link.is_symlink()
    assert "qwen" in real.read_text()


def test_a_file_that_changed_since_it_was_read_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("# one\n")
    document = load_document(path, {})
    path.write_text("# two\n")
    with pytest.raises(ConfigError, match="has changed since it was read; nothing was written"):
        append_text(document, TEXT, TABLES)
    assert path.read_text() == "# two\n"
    assert [file.name for file in tmp_path.iterdir()] == ["config.toml"]


def test_a_file_that_came_up_meanwhile_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    document = load_document(path, {})
    path.write_text("# new\n")
    with pytest.raises(ConfigError, match="has changed"):
        append_text(document, TEXT, TABLES)
    assert path.read_text() == "# new\n"


def test_a_file_that_is_not_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[server\n")
    with pytest.raises(ConfigError, match=r"config.toml:1: not valid TOML"):
        load_document(path, {})


TEXTS = st.text(st.characters(codec="utf-8"))


@given(
    st.dictionaries(
        st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,20}\Z"),
        st.fixed_dictionaries(
            {"args": st.lists(TEXTS), "env": st.dictionaries(TEXTS, TEXTS), "logs": st.just({"a": 1.5})}
        ),
    ),
    TEXTS,
)
def test_the_text_says_exactly_the_tables_whatever_stands_in_them(
    tables: dict[str, dict[str, object]], comment: str
) -> None:
    text = build_tables({name: (comment, table) for name, table in tables.items()})
    assert tomllib.loads(text).get("instances", {}) == tables
