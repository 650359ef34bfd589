"""Event-stream parser (WHATWG HTML Living Standard, section 9.2.6) that keeps what a judge needs: the arrival time of
every event, its raw lines, and blocks that a browser would throw away. It decides nothing about right and wrong."""

from collections.abc import Iterator
from dataclasses import dataclass, field

DONE = "[DONE]"
BOM = b"\xef\xbb\xbf"
_ENDINGS: dict[frozenset[bytes], frozenset[bytes]] = {}
"""Equal endings are one object, as there are as many as there are events."""


@dataclass(frozen=True, slots=True)
class Event:
    """One block of lines up to its blank line.

    `t_s` is the arrival time, in seconds after the request was sent, of the socket read that held the block's last
    byte. `complete` is False only for what is left when the stream ends without a blank line. `endings` are the
    line endings used, such as `b"\\n"`.
    """

    lines: tuple[bytes, ...]
    t_s: float = 0.0
    complete: bool = True
    endings: frozenset[bytes] = field(default_factory=frozenset)

    @property
    def fields(self) -> list[tuple[str, str]]:
        """(name, value) of every line that is not a comment; a line without a colon is a name with value ""."""
        found = []
        for line in self.lines:
            if line.startswith(b":"):
                continue
            name, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            found.append((name.decode("utf-8", "replace"), value.decode("utf-8", "replace")))
        return found

    @property
    def is_comment(self) -> bool:
        """Whether the block holds comment lines only: a keep-alive."""
        return all(line.startswith(b":") for line in self.lines)

    @property
    def data_lines(self) -> list[str]:
        return [value for name, value in self.fields if name == "data"]

    @property
    def data(self) -> str | None:
        """The data lines joined with LF; None for a block without any, which dispatches nothing."""
        lines = self.data_lines
        return "\n".join(lines) if lines else None

    @property
    def name(self) -> str:
        """The event's type: the value of the last `event` field, "message" without one."""
        names = [value for name, value in self.fields if name == "event" and value]
        return names[-1] if names else "message"


class Parser:
    """Feeds on bytes in pieces of any size and yields every finished block, in order.

    >>> [e.data for e in Parser().feed(b'data: 1\\n\\ndata: 2\\n')]
    ['1']
    """

    def __init__(self) -> None:
        self._begun: list[bytes] = []
        """The line that has not ended, in pieces, so that a long one costs no more than its length."""
        self._carriage = False
        """Whether the read before ended with a CR, which may be half of a CRLF."""
        self._lines: list[bytes] = []
        self._endings: set[bytes] = set()
        self._opening: bytes | None = b""
        """What may be the first bytes of a byte order mark; None once that is settled."""

    def feed(self, data: bytes, t_s: float = 0.0) -> Iterator[Event]:
        """Takes one socket read, stamped `t_s`, and yields the blocks that it finishes."""
        if self._opening is not None:
            data = self._opening + data
            if len(data) < len(BOM) and BOM.startswith(data):
                self._opening = data
                return
            self._opening = None
            data = data.removeprefix(BOM)
        if self._carriage and data:
            data, self._carriage = b"\r" + data, False
        after = 0
        for start, end, after in _lines(data):
            line = self._ended(data[start:end])
            if line:
                self._lines.append(line)
                self._endings.add(data[end:after])
            elif self._lines:
                self._endings.add(data[end:after])
                yield self._take(t_s, complete=True)
        if data.endswith(b"\r") and after < len(data):
            self._carriage = True
            self._begun.append(data[after:-1])
        elif after < len(data):
            self._begun.append(data[after:])

    def close(self, t_s: float = 0.0) -> Iterator[Event]:
        """Ends the stream: yields what no blank line has closed, marked incomplete."""
        if self._opening:
            self._begun.append(self._opening)
        line = self._ended(b"")
        if line:
            self._lines.append(line)
            if self._carriage:
                self._endings.add(b"\r")
        elif self._carriage and self._lines:
            yield self._take(t_s, complete=True)
            return
        if self._lines:
            yield self._take(t_s, complete=False)

    def _ended(self, rest: bytes) -> bytes:
        """The line whose last piece this is."""
        if not self._begun:
            return rest
        line = b"".join([*self._begun, rest])
        self._begun = []
        return line

    def _take(self, t_s: float, *, complete: bool) -> Event:
        event = Event(tuple(self._lines), t_s, complete, _ENDINGS.setdefault(found := frozenset(self._endings), found))
        self._lines, self._endings = [], set()
        return event


def _lines(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(start, end, start of the next) of every line that surely ends here: a CR at the very end may be half of a CRLF.
    Looks at each byte once."""
    start, newline, carriage = 0, data.find(b"\n"), data.find(b"\r")
    while True:
        if newline >= 0 and (carriage < 0 or newline < carriage):
            end, after = newline, newline + 1
        elif 0 <= carriage < len(data) - 1:
            end, after = carriage, carriage + (2 if newline == carriage + 1 else 1)
        else:
            return
        yield start, end, after
        start = after
        if 0 <= newline < start:
            newline = data.find(b"\n", start)
        if 0 <= carriage < start:
            carriage = data.find(b"\r", start)


def parse(reads: list[tuple[float, bytes]]) -> list[Event]:
    """All blocks of a recorded stream, given as (arrival time, bytes) of each read."""
    parser = Parser()
    events = [event for t_s, data in reads for event in parser.feed(data, t_s)]
    events.extend(parser.close(reads[-1][0] if reads else 0.0))
    return events
