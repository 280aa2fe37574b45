from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.health.http_answer import HEAD_LIMIT, AnswerReader, Reply

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + PLAIN


def _read(*pieces: bytes, limit: int = 1000) -> Reply:
    reader = AnswerReader(limit)
    for piece in pieces:
        if reader.feed(piece):
            break
    return reader.finish()


@given(st.sampled_from([PLAIN, CHUNKED, INTERIM]), st.lists(st.integers(1, 90), max_size=8))
def test_an_answer_reads_the_same_however_it_is_cut(answer: bytes, cuts: list[int]) -> None:
    edges = sorted({0, len(answer), *(cut for cut in cuts if cut < len(answer))})
    reply = _read(*(answer[left:right] for left, right in pairwise(edges)))
    assert (reply.status, reply.body, reply.fault) == (200, b"hello", "")


@pytest.mark.parametrize("answer", [PLAIN, CHUNKED], ids=["plain", "chunked"])
def test_a_whole_answer_is_known_as_such_before_the_connection_ends(answer: bytes) -> None:
    assert AnswerReader().feed(answer)
    assert not AnswerReader().feed(answer[:-6])


@given(st.binary(max_size=400))
def test_no_bytes_upset_the_reader(data: bytes) -> None:
    for head in (b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"):
        reply = _read(head + data)
        assert reply.fault or reply.status


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    assert _read(b"HTTP/1.0 200 OK\r\n\r\nall of it") == Reply(200, {}, b"all of it")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(b"", "closed without an answer", id="nothing"),
        pytest.param(b"HTTP/1.1 200 OK\r\nCont", "inside the answer's head", id="half a head"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfour", "cut off after 4 bytes", id="half a body"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "cut off", id="half a chunk"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", "not HTTP: b'SSH-2.0", id="another protocol"),
        pytest.param(b"HTTP/1.1 yes OK\r\n\r\n", "not HTTP", id="no status"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\n", "no number", id="bad length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "make no sense", id="bad chunk"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"x" * HEAD_LIMIT, "bytes of headers", id="endless head"),
    ],
)
def test_what_is_no_whole_answer_says_why(data: bytes, words: str) -> None:
    assert words in _read(data).fault


def test_a_body_is_read_up_to_its_limit_only() -> None:
    reader = AnswerReader(10)
    assert reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 50)
    assert reader.finish() == Reply(200, {"content-length": "1000000"}, b"x" * 10)
