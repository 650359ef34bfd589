"""The record of one request: what can be read off it, and that it survives being written down."""

import gzip
import zlib

import pytest

from conformance.exchange import Exchange, Failure, Request, Response, Unusable, clip, exchanges_in


def answered(body: bytes, *headers: tuple[str, str], status: int = 200) -> Exchange:
    given = headers or (("Content-Type", "application/json"),)
    return Exchange("x1", "probe", Request("GET", "http://h/v1"), Response(status, given, ((0.5, body),)))


def test_no_answer_has_the_status_0_and_says_why() -> None:
    exchange = Exchange("x1", "p", Request("GET", "http://h"), failure=Failure("closed", "the connection was reset"))
    assert (exchange.status, exchange.ok, exchange.seen) == (0, False, "no answer (the connection was reset)")


def test_a_cut_answer_is_not_whole() -> None:
    exchange = Exchange("x", "p", Request("GET", "u"), Response(200, ()), Failure("closed", "the connection was reset"))
    assert not exchange.ok
    with pytest.raises(Unusable, match="no whole answer"):
        _ = exchange.json


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a": NaN}', b'{"a": Infinity}', b'"\xff"'])
def test_what_is_no_json_is_unusable(body: bytes) -> None:
    with pytest.raises(Unusable, match="not JSON"):
        _ = answered(body).json


def test_a_document_is_a_successful_object() -> None:
    assert answered(b'{"a": 1}').document == {"a": 1}
    for other in (answered(b"[]"), answered(b"{}", status=500), answered(b"null")):
        with pytest.raises(Unusable):
            _ = other.document


def test_a_stream_that_broke_before_its_first_event_says_so() -> None:
    begun = Response(200, (("Content-Type", "text/event-stream"),))
    cut = Exchange("x7", "chat", Request("POST", "http://h"), begun, Failure("protocol", "the connection was closed"))
    said = "HTTP 200 text/event-stream, then the connection was closed, with an empty body"
    with pytest.raises(Unusable, match=f"^chat \\(x7\\) was to be a stream of JSON objects, the answer is {said}$"):
        _ = cut.chunks


def test_content_codings_are_undone() -> None:
    packed = gzip.compress(b'{"a": 1}')
    assert answered(packed, ("content-encoding", "gzip")).json == {"a": 1}
    with pytest.raises(Unusable, match="can't be decoded"):
        _ = answered(packed[:-4], ("Content-Encoding", "gzip")).content
    with pytest.raises(Unusable, match="was not offered"):
        _ = answered(b"x", ("Content-Encoding", "br")).content


@pytest.mark.parametrize(("coding", "wbits"), [("gzip", 31), ("deflate", 15), ("deflate", -15)])
def test_each_event_of_a_compressed_stream_arrives_with_its_read(coding: str, wbits: int) -> None:
    coder = zlib.compressobj(wbits=wbits)
    first = coder.compress(b"data: 1\n\n") + coder.flush(zlib.Z_SYNC_FLUSH)
    second = coder.compress(b"data: 2\n\n") + coder.flush()
    headers = (("content-type", "text/event-stream"), ("content-encoding", coding))
    answer = Response(200, headers, ((0.1, first), (0.5, second)))
    events = Exchange("x1", "p", Request("POST", "http://h"), answer, duration_s=0.6).events
    assert [(event.t_s, event.data) for event in events] == [(0.1, "1"), (0.5, "2")]


def test_a_compressed_stream_may_have_several_members() -> None:
    parts = [gzip.compress(b"data: %d\n\n" % n) for n in range(3)]
    reads = ((0.1, parts[0]), (0.2, parts[1] + parts[2]))
    answer = Response(200, (("Content-Encoding", "gzip"),), reads)
    events = Exchange("x1", "p", Request("POST", "http://h"), answer).events
    assert [(event.t_s, event.data) for event in events] == [(0.1, "0"), (0.2, "1"), (0.2, "2")]


def test_an_answer_that_we_left_says_so() -> None:
    exchange = Exchange(
        "x1", "p", Request("POST", "u"), Response(200, ()), Failure("abandoned", "we left after 1 event")
    )
    assert exchange.abandoned
    assert not exchange.ok


def test_a_stream_gives_its_objects() -> None:
    body = b': ping\n\ndata: {"a": 1}\n\ndata: nonsense\n\ndata: [1]\n\ndata: {"b": 2}\n\ndata: [DONE]\n\n'
    exchange = answered(body, ("Content-Type", "text/event-stream; charset=utf-8"))
    assert exchange.chunks == [{"a": 1}, {"b": 2}]
    assert exchange.media_type == "text/event-stream"
    assert len(exchange.events) == 6


def test_headers_are_found_in_any_case_and_all_of_them() -> None:
    exchange = answered(b"", ("Set-Cookie", "a"), ("set-cookie", "b"))
    assert exchange.header("SET-COOKIE") == "a"
    assert exchange.header_values("Set-Cookie") == ["a", "b"]


def test_exchanges_are_found_in_any_result() -> None:
    one, two = answered(b"1"), answered(b"2")
    assert list(exchanges_in({"a": [one, {"b": two}], "c": None})) == [one, two]


def test_clip_escapes_what_would_move_the_cursor() -> None:
    assert clip("a\x1b[2J\nb") == "a\\x1b[2J\\nb"
    assert clip("x" * 200, 10) == "x" * 10 + "…"
