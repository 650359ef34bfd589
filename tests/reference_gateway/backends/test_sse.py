"""The event-stream reader: every legal spelling, cut anywhere."""

import pytest

from reference_gateway.backends.upstream.sse import EventReader

CASES: list[tuple[str, bytes, list[tuple[str, bytes]]]] = [
    ("plain", b"data: a\n\ndata: b\n\n", [("", b"a"), ("", b"b")]),
    ("CRLF", b"data: a\r\n\r\ndata: b\r\n\r\n", [("", b"a"), ("", b"b")]),
    ("CR", b"data: a\r\rdata: b\r\r", [("", b"a"), ("", b"b")]),
    ("mixed line ends", b"data: a\r\n\ndata: b\n\r\n", [("", b"a"), ("", b"b")]),
    ("no space", b"data:a\n\n", [("", b"a")]),
    ("two spaces", b"data:  a\n\n", [("", b" a")]),
    ("comments", b": ping\n\ndata: a\n: more\n\n:\n\n", [("", b"a")]),
    ("several lines with CRLF", b"data: {\r\ndata: }\r\n\r\n", [("", b"{\n}")]),
    ("several lines", b"data: {\ndata: }\n\n", [("", b"{\n}")]),
    ("other fields", b"id: 7\nretry: 10\nevent: message\ndata: a\nfoo: bar\n\n", [("message", b"a")]),
    ("the name of one event only", b"event: error\ndata: a\n\ndata: b\n\n", [("error", b"a"), ("", b"b")]),
    ("no data", b"event: ping\n\nretry: 3\n\nid\n\ndata: a\n\n", [("", b"a")]),
    ("byte-order mark", b"\xef\xbb\xbfdata: a\n\n", [("", b"a")]),
    ("mark only at the start", b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [("", b"a")]),
    ("field without colon", b"data\n\n", [("", b"")]),
    ("unfinished", b"data: a\n\ndata: b\n", [("", b"a")]),
    (
        "separators that are no line ends",
        "data: \u2028\u0085\x0b\x0c\n\n".encode(),
        [("", "\u2028\u0085\x0b\x0c".encode())],
    ),
    ("multi-byte", "data: 👩‍🚀東京\n\n".encode(), [("", "👩‍🚀東京".encode())]),
]


@pytest.mark.parametrize("step", [1, 2, 3, 1000])
@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_events_come_out_however_the_bytes_were_cut(text: bytes, expected: list[tuple[str, bytes]], step: int) -> None:
    reader = EventReader()
    events = [event for at in range(0, len(text), step) for event in reader.feed(text[at : at + step])]
    assert [(event.name, event.data) for event in events] == expected


@pytest.mark.parametrize("end", [b"\n\n", b"\r\r", b"\r\n\r"])
def test_an_event_comes_with_the_byte_that_completes_it(end: bytes) -> None:
    reader = EventReader()
    assert reader.feed(b"data: a" + end[:-1]) == []
    assert len(reader.feed(end[-1:])) == 1


def test_an_empty_piece_changes_nothing() -> None:
    reader = EventReader()
    events = [
        event for piece in (b"data: a\r", b"", b"\n", b"", b"\r\n", b"data: b\n\n") for event in reader.feed(piece)
    ]
    assert [event.data for event in events] == [b"a", b"b"]
