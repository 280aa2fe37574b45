from __future__ import annotations

import os
import stat
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.process.records import (
    LIMIT_BYTES,
    Record,
    RecordReader,
    decode_record,
    encode_record,
    get_value,
    get_values,
    read_record,
    write_record,
)

KEYS = st.text(st.characters(codec="ascii", categories=["Ll", "Nd"], include_characters="_"), min_size=1, max_size=8)
VALUES = st.one_of(
    st.text(st.characters(codec="utf-8")),
    st.text(st.sampled_from("\\n\n=\r\t\0 é\u2028\U0001f40d")),
    st.binary().map(os.fsdecode),  # names of files and variables that are no text become surrogates
)
RECORDS = st.lists(st.tuples(KEYS, VALUES), min_size=1, max_size=8)


@given(RECORDS)
def test_a_record_comes_back_as_it_went(record: Record) -> None:
    data = encode_record(record)
    assert data.endswith(b"\n\n")
    assert data.count(b"\n\n") == 1
    assert decode_record(data) == record


@given(RECORDS)
def test_a_record_in_a_file_comes_back_as_it_went(record: Record) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "record")
        write_record(path, [("older", "x" * 500)])
        write_record(path, record)
        assert read_record(path) == record
        assert os.listdir(folder) == ["record"]  # noqa: PTH208 - names are what is compared


@given(st.lists(RECORDS, max_size=5), st.data())
def test_a_stream_cut_anywhere_gives_the_same_records(sent: list[Record], data: st.DataObject) -> None:
    stream = b"".join(encode_record(record) for record in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    reader = RecordReader()
    pieces = [stream[start:end] for start, end in pairwise([0, *cuts, len(stream)])]
    got = [record for piece in pieces for record in reader.feed(piece)]
    assert got == sent


def test_a_record_that_never_ends_is_refused() -> None:
    reader = RecordReader()
    assert reader.feed(b"a=" + b"x" * (LIMIT_BYTES - 2)) == []
    with pytest.raises(ValueError, match="too long"):
        reader.feed(b"x")


def test_keys_repeat_in_order_and_missing_ones_have_a_default() -> None:
    record = decode_record(encode_record([("arg", "a"), ("env", "x=1"), ("arg", "b"), ("empty", "")]))
    assert get_values(record, "arg") == ["a", "b"]
    assert get_value(record, "arg") == "a"
    assert get_value(record, "env") == "x=1"
    assert get_value(record, "empty", "default") == ""
    assert get_value(record, "missing", "default") == "default"


def test_only_the_owner_may_read_a_record(tmp_path: Path) -> None:
    path = tmp_path / "record"
    write_record(str(path), [("key", "value")])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_missing_record_is_empty_and_one_without_a_folder_cannot_be_written(tmp_path: Path) -> None:
    assert read_record(str(tmp_path / "none")) == []
    with pytest.raises(FileNotFoundError):
        write_record(str(tmp_path / "gone" / "record"), [("key", "value")])
