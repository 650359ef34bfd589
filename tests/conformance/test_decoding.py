"""Bodies are decoded and parsed within bounds, whatever they are made of."""

import gzip
import json
import zlib

import pytest

from conformance.decoding import PastBound, check_lines, decoded, decoded_as_read, parsed
from conformance.exchange import Blame, Exchange, Request, Response, Unusable, escaped
from conformance.limits import (
    GZIP_MEMBERS,
    JSON_DEPTH,
    JSON_DIGITS,
    JSON_VALUES,
    LINES,
    MIB,
    UNPACKED_FLOOR,
    unpacked_bytes,
    values,
    weight,
)


def packed(body: bytes, kind: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, kind)
    return packer.compress(body) + packer.flush()


ZLIB, RAW = 15, -15


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("identity", b"hello"),
        ("gzip", gzip.compress(b"hello", mtime=0)),
        ("x-gzip", gzip.compress(b"hel", mtime=0) + gzip.compress(b"lo", mtime=0) + b"\0\0"),
        ("deflate", packed(b"hello", ZLIB)),
        ("deflate", packed(b"hello", RAW)),
    ],
)
def test_codings_are_undone(coding: str, body: bytes) -> None:
    assert decoded(body, coding) == b"hello"


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_reads_are_decoded_one_by_one(coding: str) -> None:
    body = gzip.compress(b"hello", mtime=0) if coding == "gzip" else packed(b"hello", RAW)
    reads = ((1.0, body[:9]), (2.0, body[9:]))
    assert b"".join(data for _, data in decoded_as_read(reads, coding)) == b"hello"


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", b"hello"),
        ("gzip", gzip.compress(b"hello", mtime=0)[:-3]),
        ("gzip", gzip.compress(b"hello", mtime=0) + b"more"),
        ("deflate", b"\x78\x9chello"),
        ("deflate", b""),
        ("br", b"hello"),
    ],
)
def test_what_can_not_be_undone_is_a_value_error(coding: str, body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decoded(body, coding)


@pytest.mark.parametrize(("coding", "kind"), [("gzip", 31), ("deflate", ZLIB), ("deflate", RAW)])
def test_a_bomb_is_not_unpacked(coding: str, kind: int) -> None:
    bomb = packed(bytes(17 * MIB), kind)
    with pytest.raises(PastBound, match="unpack to more than"):
        decoded(bomb, coding)


def test_how_much_may_be_unpacked_depends_on_what_came() -> None:
    assert [unpacked_bytes(n) for n in (1, 10_000, 10_000_000)] == [UNPACKED_FLOOR, 1_000_000, 16 * MIB]


def test_members_are_counted() -> None:
    member = gzip.compress(b"", mtime=0)
    assert decoded(member * GZIP_MEMBERS, "gzip") == b""
    with pytest.raises(PastBound, match="members"):
        decoded(member * (GZIP_MEMBERS + 1), "gzip")


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (nested(JSON_DEPTH + 1), "deep"),
        (nested(100_000), "deep"),
        ('{"a":' * 300 + "1" + "}" * 300, "deep"),
        ("9" * (JSON_DIGITS + 1), "digits"),
        ("-" + "9" * 5000, "digits"),
        ("[" + "0," * (JSON_VALUES + 1) + "0]", "values"),
    ],
    ids=["just too deep", "a stack of lists", "a stack of objects", "digits", "more than Python reads", "values"],
)
def test_json_past_a_bound_is_not_read(text: str, seen: str) -> None:
    with pytest.raises(PastBound, match=seen):
        parsed(text)


@pytest.mark.parametrize(
    "text", [nested(JSON_DEPTH), "9" * JSON_DIGITS, "1." + "3" * 5000, f'"{"9" * 5000}"', "[[]" + ",[]" * 1000 + "]"]
)
def test_json_within_the_bounds_is_read(text: str) -> None:
    assert parsed(text) == json.loads(text)


@pytest.mark.parametrize("text", ["", "NaN", "[1,]", "{", '"\x1b"'])
def test_what_is_no_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parsed(text)


def test_streams_of_too_many_lines_are_not_taken_apart() -> None:
    check_lines(b"\n" * LINES)
    for body in (b"\n" * (LINES + 1), b"\r\n" * LINES, b"[]," * (JSON_VALUES + 1)):
        with pytest.raises(PastBound):
            check_lines(body)


def test_values_are_counted_before_they_are_made() -> None:
    for text in ("[]", "{}", "[1,2,3]", '{"a": [1, {"b": 2}], "c": []}', "[[],[],{}]"):
        made = json.loads(text)
        assert values(text.encode()) + 1 >= _count(made)


def _count(value: object) -> int:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(_count, inside))


def test_what_unpacks_weighs_more() -> None:
    assert weight(b"x" * 1000, packed=True) > 10 * weight(b"x" * 1000) > 0
    assert weight(b"[],[]," * 100) > weight(b"xxxxxx" * 100)


# What an Exchange says of it


def answered(body: bytes, *headers: tuple[str, str]) -> Exchange:
    return Exchange("x1", "p", Request("GET", "http://h"), Response(200, headers, ((0.1, body),)))


@pytest.mark.parametrize(
    ("exchange", "part"),
    [
        (answered(gzip.compress(bytes(20 * MIB), mtime=0), ("content-encoding", "gzip")), "content"),
        (answered(gzip.compress(bytes(20 * MIB), mtime=0), ("content-encoding", "gzip")), "events"),
        (answered(nested(500).encode()), "json"),
        (answered(b"a\n\n" * LINES), "events"),
        (answered(b"data: " + nested(500).encode() + b"\n\n"), "parsed_events"),
    ],
)
def test_our_own_bounds_are_not_the_gateways_fault(exchange: Exchange, part: str) -> None:
    with pytest.raises(Unusable, match="bound of gateproof's own") as raised:
        getattr(exchange, part)
    assert raised.value.blame is Blame.SUITE


def test_other_codings_are_the_gateways_fault() -> None:
    with pytest.raises(Unusable, match="was not offered") as raised:
        _ = answered(b"x", ("content-encoding", "br")).content
    assert raised.value.blame is Blame.GATEWAY


def test_what_is_escaped_does_nothing() -> None:
    text = "\x1b[2J\x9b31m\u202e\ud800\u2028\r\0 ok\n\té"
    assert escaped(text) == "\\x1b[2J\\x9b31m\\u202e\\ud800\\u2028\\r\\x00 ok\n\té"


def test_a_media_type_can_not_command_a_terminal() -> None:
    assert "\x1b" not in answered(b"", ("content-type", "text/\x1b[2J")).seen
