"""What the C server says about its own sends: the true times of every stream. Imports nothing of ours."""

import struct
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

MAGIC = 0x5345545255544831
_HEAD = struct.Struct("16Q")
_STREAM = struct.Struct("7Q4IQ2IQ")
_COMPLETED = 1
NS_PER_S = 1e9


@dataclass(frozen=True, slots=True)
class Truth:
    """Of the streams that ended: times in seconds, ascending. `tokens` is what each of them was asked for."""

    streams: int
    events: int
    ttft_s: list[float]
    itl_s: list[float]

    @classmethod
    def read(cls, path: Path, tokens: int) -> "Truth":
        """Raises ValueError if the file is not a truth file of this server."""
        data = path.read_bytes()
        magic, count, stamps, *_ = head = _HEAD.unpack_from(data)
        if magic != MAGIC or head[4] != _STREAM.size:
            raise ValueError(f"{path} is no truth file")
        sent = array("Q")
        after = _HEAD.size + count * _STREAM.size
        sent.frombytes(data[after : after + stamps * sent.itemsize])
        ttft, gaps, events, ended = [], [], 0, 0
        for number in range(count):
            row = _STREAM.unpack_from(data, _HEAD.size + number * _STREAM.size)
            asked_ns, first_ns, texts, all_events, offset, wanted, flags = (row[at] for at in (2, 4, 7, 8, 11, 12, 13))
            if not flags & _COMPLETED or wanted != tokens:
                continue
            ended += 1
            events += all_events
            ttft.append((first_ns - asked_ns) / NS_PER_S)
            gaps += [(later - earlier) / NS_PER_S for earlier, later in pairwise(sent[offset : offset + texts])]
        return cls(ended, events, sorted(ttft), sorted(gaps))


def quantile(ordered: Iterable[float], share: float) -> float:
    """The value that this share of the ascending values does not exceed; 0 where there is none."""
    values = list(ordered)
    return values[min(len(values) - 1, int(len(values) * share))] if values else 0.0
