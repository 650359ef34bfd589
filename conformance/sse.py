"""Event-stream parser (WHATWG HTML Living Standard, section 9.2.6) that keeps what a judge needs: the arrival time of
every event, its raw lines, and blocks that a browser would throw away. It decides nothing about right and wrong."""

from collections.abc import Iterator
from dataclasses import dataclass, field

DONE = "[DONE]"
BOM = b"\xef\xbb\xbf"


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
        self._pending = b""
        self._lines: list[bytes] = []
        self._endings: set[bytes] = set()
        self._started = False

    def feed(self, data: bytes, t_s: float = 0.0) -> Iterator[Event]:
        """Takes one socket read, stamped `t_s`, and yields the blocks that it finishes."""
        buffer = self._pending + data
        if not self._started:
            if len(buffer) < len(BOM) and BOM.startswith(buffer):
                self._pending = buffer
                return
            self._started = True
            buffer = buffer.removeprefix(BOM)
        start = 0
        while (found := _line_end(buffer, start)) is not None:
            end, after = found
            line, self_ending = buffer[start:end], buffer[end:after]
            start = after
            if line:
                self._lines.append(line)
                self._endings.add(self_ending)
            elif self._lines:
                self._endings.add(self_ending)
                yield self._take(t_s, complete=True)
        self._pending = buffer[start:]

    def close(self, t_s: float = 0.0) -> Iterator[Event]:
        """Ends the stream: yields what no blank line has closed, marked incomplete."""
        rest, self._pending = self._pending, b""
        if rest.endswith(b"\r"):
            line = rest[:-1]
            if line:
                self._lines.append(line)
                self._endings.add(b"\r")
            elif self._lines:
                yield self._take(t_s, complete=True)
                return
        elif rest:
            self._lines.append(rest)
        if self._lines:
            yield self._take(t_s, complete=False)

    def _take(self, t_s: float, *, complete: bool) -> Event:
        event = Event(tuple(self._lines), t_s, complete, frozenset(self._endings))
        self._lines, self._endings = [], set()
        return event


def _line_end(buffer: bytes, start: int) -> tuple[int, int] | None:
    """(end of the line, start of the next), or None while the line or its CRLF may still go on."""
    newline = buffer.find(b"\n", start)
    carriage = buffer.find(b"\r", start, newline if newline >= 0 else len(buffer))
    if carriage < 0:
        return None if newline < 0 else (newline, newline + 1)
    if carriage + 1 == len(buffer):
        return None
    return carriage, carriage + (2 if buffer[carriage + 1 : carriage + 2] == b"\n" else 1)


def parse(reads: list[tuple[float, bytes]]) -> list[Event]:
    """All blocks of a recorded stream, given as (arrival time, bytes) of each read."""
    parser = Parser()
    events = [event for t_s, data in reads for event in parser.feed(data, t_s)]
    events.extend(parser.close(reads[-1][0] if reads else 0.0))
    return events
