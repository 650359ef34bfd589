"""The event-stream parser, case by case of WHATWG HTML section 9.2.6."""

import pytest

from conformance import sse
from conformance.sse import Event, Parser, parse

STREAM = (
    b": hello\n\n"
    b"data: one\n\n"
    b"event: error\r\ndata: two\r\ndata: lines\r\nid: 7\r\n\r\n"
    b"data:\xe2\x82\xac no space\r\r"
    b"retry: 10\n\n"
    b"data\n\n"
    b"data: unfinished"
)
WANTED = [
    (None, "message", True),
    ("one", "message", True),
    ("two\nlines", "error", True),
    ("€ no space", "message", True),
    (None, "message", True),
    ("", "message", True),
    ("unfinished", "message", False),
]


def read(events: list[Event]) -> list[tuple[str | None, str, bool]]:
    return [(event.data, event.name, event.complete) for event in events]


def test_whole_stream() -> None:
    assert read(parse([(0.0, STREAM)])) == WANTED


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7])
def test_any_division_into_reads_gives_the_same_events(size: int) -> None:
    reads = [(float(at), STREAM[at : at + size]) for at in range(0, len(STREAM), size)]
    assert read(parse(reads)) == WANTED


def test_every_division_into_two_reads_gives_the_same_events() -> None:
    for at in range(len(STREAM) + 1):
        assert read(parse([(0.0, STREAM[:at]), (1.0, STREAM[at:])])) == WANTED


def test_an_event_has_the_time_of_the_read_that_completes_it() -> None:
    events = parse([(0.1, b"data: 1\n"), (0.2, b"\ndata: 2\n\nda"), (0.3, b"ta: 3\n\n")])
    assert [(event.data, event.t_s) for event in events] == [("1", 0.2), ("2", 0.2), ("3", 0.3)]


def test_one_byte_order_mark_is_skipped_even_in_pieces() -> None:
    assert read(parse([(0.0, b"\xef"), (0.0, b"\xbb\xbfdata: 1\n\n")])) == [("1", "message", True)]


def test_comments_and_line_endings_are_kept_for_the_judge() -> None:
    first, second = Parser().feed(b": ping\n\ndata: 1\r\n\r\n")
    assert first.is_comment
    assert not second.is_comment
    assert second.endings == {b"\r\n"}


def test_an_unclosed_block_is_told_apart_from_a_closed_one_that_ends_in_cr() -> None:
    assert read(parse([(0.0, b"data: 1\n\r")])) == [("1", "message", True)]
    assert read(parse([(0.0, b"data: 1\r")])) == [("1", "message", False)]


@pytest.mark.parametrize("piece", [b"x" * 8, b"x\r", b"\r", b"data: 1\n\n", b"\xe2"])
def test_each_byte_is_looked_at_once(piece: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a line is, and however small the reads are that it comes in."""
    looked_at, split = [0], sse._lines

    def counted(data: bytes) -> object:
        looked_at[0] += len(data)
        return split(data)

    monkeypatch.setattr(sse, "_lines", counted)
    parser = Parser()
    for _ in range(1000):
        list(parser.feed(piece))
    list(parser.close())
    assert looked_at[0] <= 1000 * (len(piece) + 1)


class Counted(bytes):
    """Bytes that count how far they are searched."""

    searched = 0

    def find(self, sub: bytes, start: int = 0) -> int:
        found = super().find(sub, start)
        Counted.searched += (found if found >= 0 else len(self)) - start
        return found


@pytest.mark.parametrize("line", [b"a\r", b"a\n", b"a\r\n", b"\n\r"])
def test_one_long_read_is_searched_once_for_each_ending(line: bytes) -> None:
    data = Counted(line * 1000)
    Counted.searched = 0
    assert len(list(sse._lines(data))) >= 999
    assert Counted.searched <= 2 * len(data)
