"""Every bound that keeps a run from hanging, from filling the memory, and from going on for ever, whatever the gateway
does. What is here is decided by us: where a bound is met, the report says that it was ours.

Imports nothing, so that what sends and what reads a recording again keep the same bounds.
"""

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class Limits:
    """What sending keeps to.

    `connect_s` is for a name, TCP and TLS together; `silence_s` without a single byte (--timeout); `total_s` for one
    exchange from start to end, as a gateway may send a byte now and then for ever; `run_s` for all sending
    (--max-time): then what is in flight is cut and nothing more is sent.

    `head_bytes` is for a status line and headers, or a chunk's own line. `body_bytes` is for one answer: what is longer
    is cut there. `run_bytes` is for all answers of a run together, counted as what they can take up once they are read
    (see `weight`), which is some 12 MiB in a run against a correct gateway: past it each further answer is cut at
    `cut_bytes`, and past half as much again nothing of it is kept.
    """

    connect_s: float = 10.0
    silence_s: float = 30.0
    total_s: float = 120.0
    run_s: float = 1800.0
    head_bytes: int = 100 * KIB
    body_bytes: int = 16 * MIB
    run_bytes: int = 192 * MIB
    cut_bytes: int = 16 * KIB

    def body_room(self, kept: int) -> int:
        """How long an answer may be where those before take up so much."""
        if kept <= self.run_bytes:
            return self.body_bytes
        return min(self.body_bytes, self.cut_bytes) if kept <= self.run_bytes * 3 // 2 else 0


CONTINUE_S = 3.0
"""How long 100 Continue is waited for before the body is sent all the same, as clients do."""
GRACE_S = 5.0
"""How long after the end of a run's time a probe has to come to its own end, before it is ended."""
RECORDING_S = 600.0
"""How long a worker of pytest-xdist waits for the one that sends, beyond the time of the run."""

HEADERS = 1000
"""Of one answer: each takes up far more than its bytes."""
UNPACKED_BYTES = 16 * MIB
"""Of a body in gzip or deflate, once it is unpacked."""
UNPACKED_RATIO = 100
"""How many times its packed length an unpacked body may be, as text is packed to a twentieth at best …"""
UNPACKED_FLOOR = 64 * KIB
"""… unless it is shorter than this."""
GZIP_MEMBERS = 64
"""Members of one gzip body; each costs a copy of what is left."""
LINES = 20_000
"""Lines of one event stream: a run asks for streams of some hundred lines."""
JSON_VALUES = 1_000_000
"""Values in one body, each of which takes some 70 bytes: less than 100 MB."""
JSON_DEPTH = 100
"""Arrays and objects within each other, which many a function goes down into by calling itself."""
JSON_DIGITS = 300
"""Of an integer, which fits a float then."""
ID_BYTES = 512
"""A listed model id that is longer is not asked for: it would stand in every request."""
HANDED_BYTES = 4 * MIB
"""Of an answer that is handed to the SDK, in a process that knows none of these bounds."""
MESSAGE_CHARS = 2000
"""Of what is said about one requirement."""

ANSWER_WEIGHT = 96 * MIB
"""What one answer is taken to weigh at the most, as past the bounds above it is not read at all."""
_READ = 120
_VALUE = 72
_LINE = 120


def weight(data: bytes, *, packed: bool = False) -> int:
    """About what one read takes up in memory once it has been decoded, split into lines and parsed."""
    if packed:
        return _READ + len(data) * UNPACKED_RATIO
    lines = data.count(b"\n") + data.count(b"\r")
    return _READ + 3 * len(data) + _VALUE * values(data) + _LINE * lines


def values(data: bytes) -> int:
    """At least as many as JSON values begin in it: after a comma, and in arrays and objects that are not empty."""
    begin = data.count(b",") + data.count(b"[") + data.count(b"{")
    return begin - data.count(b"[]") - data.count(b"{}")


def unpacked_bytes(packed: int) -> int:
    """How long a body of this packed length may be, unpacked."""
    return min(UNPACKED_BYTES, max(UNPACKED_FLOOR, UNPACKED_RATIO * packed))


def size(count: int) -> str:
    """A number of bytes as one says it.

    >>> size(16 * 1024 * 1024), size(1000)
    ('16 MiB', '1000 bytes')
    """
    for unit, word in ((MIB, "MiB"), (KIB, "KiB")):
        if count >= unit and count % unit == 0:
            return f"{count // unit} {word}"
    return f"{count} bytes"
