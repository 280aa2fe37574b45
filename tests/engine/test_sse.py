"""Server-sent events, by the standard."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sse import EVENT_LIMIT, EventStream, ServerEvent


def cut(*pieces: bytes) -> list[ServerEvent]:
    stream = EventStream()
    return [event for piece in pieces for event in stream.feed(piece)]


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        pytest.param(b"data: a\n\n", [ServerEvent("a")], id="one"),
        pytest.param(b"data:a\ndata: b\n\n", [ServerEvent("a\nb")], id="two lines of data"),
        pytest.param(b"data:  a\n\n", [ServerEvent(" a")], id="only the first blank goes"),
        pytest.param(b"data: a\r\n\r\ndata: b\r\rdata: c\n\n", [ServerEvent(x) for x in "abc"], id="every line end"),
        pytest.param(b": ping\n\ndata: a\n\n", [ServerEvent("a")], id="comments are no events"),
        pytest.param(b"event: x\ndata: a\n\ndata: b\n\n", [ServerEvent("a", "x"), ServerEvent("b")], id="a kind"),
        pytest.param(b"event: x\n\ndata: b\n\n", [ServerEvent("b")], id="without data there is no event"),
        pytest.param(b"id: 7\nretry: 5\nwhat: ever\ndata: a\n\n", [ServerEvent("a")], id="other fields"),
        pytest.param(b"data\n\n", [ServerEvent("")], id="a field without a colon is empty"),
        pytest.param(b"\xef\xbb\xbfdata: a\n\n", [ServerEvent("a")], id="byte order mark"),
        pytest.param(b"data: \xff\n\n", [ServerEvent("�")], id="wrong bytes"),
        pytest.param(b"data: a\n", [], id="unfinished"),
    ],
)
def test_a_stream_is_cut_as_the_standard_has_it(stream: bytes, events: list[ServerEvent]) -> None:
    assert cut(stream) == events


@given(
    st.binary(max_size=60)
    | st.lists(st.sampled_from([b"data: a", b"\r", b"\n", b"\xef\xbb\xbf", "ä".encode()])).map(b"".join),
    st.data(),
)
def test_it_does_not_matter_where_the_bytes_are_cut(stream: bytes, data: st.DataObject) -> None:
    where = data.draw(st.integers(0, len(stream)))

    assert cut(stream[:where], stream[where:]) == cut(stream) == cut(*(bytes([one]) for one in stream))


def test_an_event_without_an_end_is_refused_rather_than_kept() -> None:
    stream = EventStream()
    stream.feed(b"data: ")

    with pytest.raises(ValueError, match="an event of more than"):
        stream.feed(b"x" * (EVENT_LIMIT + 1))
