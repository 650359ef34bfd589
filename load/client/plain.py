"""How a chunk of HTTP's chunked encoding begins that is one plain event, so that a read can be known by its bytes."""

LONGEST_PLAIN = 4096
"""Bytes of a chunk that is looked at as one event."""
MOST_HEADS = 64
"""Lengths of a plain event's chunk whose first bytes are remembered, for one stream."""


def _size_line(length: int) -> bytes:
    """The first line of a chunk which makes up a read of this length."""
    for digits in (1, 2, 3):
        line = b"%x\r\n" % max(length - digits - 4, 0)
        if len(line) == digits + 2:
            return line
    return b"\n"


_SIZE_LINES = (*map(_size_line, range(LONGEST_PLAIN)), b"\n")


class Heads(dict[int, bytes]):
    """By the length of a read, what it begins with if it is one chunk with one event, which has `before` around its
    text. What is too long begins with bytes that no chunk begins with."""

    __slots__ = ("_before",)

    def __init__(self, before: bytes = b"") -> None:
        self._before = before

    def __missing__(self, length: int) -> bytes:
        head = _SIZE_LINES[min(length, LONGEST_PLAIN)] + self._before
        if len(self) < MOST_HEADS:
            self[length] = head
        return head
