"""What is shown of streams that are still open, and that it is right once they have ended."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from time import perf_counter, time
from typing import Any

import pytest

from load.live import SLICE, Live
from load.result import StreamResult

START_S = float(int(time()) + 1) - (time() - perf_counter())
"""On the clock of `perf_counter`: when a second of the wall clock begins."""


@dataclass
class Streaming:
    """A client whose stream has had text at these times."""

    stamps: list[float] = field(default_factory=list)
    from_s: float = START_S - 0.5
    bounded: int = 0

    @property
    def watched(self) -> tuple[float, Sequence[float]]:
        return self.from_s, self.stamps

    def bound(self) -> None:
        self.bounded += 1

    def ended(self, tokens: int | None, more: int = 3) -> StreamResult:
        """What came of it, with so many events without text."""
        stamps = self.stamps
        gaps_s = tuple(after - before for before, after in pairwise(stamps))
        content, e2e_s = len(stamps), stamps[-1] - self.from_s
        common: dict[str, Any] = {"events": content + more, "content_events": content, "tokens": tokens}
        return StreamResult(self.from_s, e2e_s, stamps[0] - self.from_s, gaps_s, **common)


def seen(live: Live) -> list[dict[str, float]]:
    """Counts, and numbers of times, of the seconds since the last call, in order."""
    for _ in live.look():
        pass
    return sums(live)


def sums(live: Live) -> list[dict[str, float]]:
    counts, times = live.take()
    found: dict[int, dict[str, float]] = {}
    for second in sorted({*counts, *times}):
        told = {name: round(count, 6) for name, count in counts.get(second, {}).items() if name != "started"}
        told |= {name: histogram.count for name, histogram in times.get(second, {}).items()}
        if any(told.values()):
            found[second] = told
    return list(found.values())


def paced(count: int, gap_s: float = 0.1, first_s: float = 0.0) -> list[float]:
    return [START_S + first_s + 0.01 + gap_s * number for number in range(count)]


def test_a_stream_is_counted_while_it_is_open_each_event_in_its_second_and_once() -> None:
    live, client = Live(), Streaming()
    live.begin(client)
    assert seen(live) == []
    client.stamps += paced(5)
    assert seen(live) == [{"events": 5, "tokens": 5, "ttft_s": 1, "itl_s": 4}]
    assert seen(live) == []
    client.stamps += paced(15, first_s=0.5)
    assert seen(live) == [{"events": 5, "tokens": 5, "itl_s": 5}, {"events": 10, "tokens": 10, "itl_s": 10}]
    assert client.bounded == 4 and live.active == 1


@pytest.mark.parametrize("looked_at", [0, 1, 7, 25])
def test_when_a_stream_has_ended_its_seconds_are_as_if_it_had_been_counted_then(looked_at: int) -> None:
    live, client = Live(), Streaming()
    opened = live.begin(client)
    stamps = paced(25)
    client.stamps += stamps[:looked_at]
    rows = [*seen(live)]
    client.stamps[:] = stamps
    live.end(opened, client.ended(tokens=50, more=5))
    rows += sums(live)
    totals = {name: sum(row.get(name, 0) for row in rows) for name in ("events", "tokens", "ttft_s", "itl_s")}
    assert totals == pytest.approx({"events": 30, "tokens": 50, "ttft_s": 1, "itl_s": 24})
    assert live.active == 0


def test_an_open_stream_s_events_hold_as_many_tokens_as_those_before() -> None:
    live, first, second = Live(), Streaming(paced(10)), Streaming(paced(4))
    live.end(live.begin(first), first.ended(tokens=30))
    live.take()
    opened = live.begin(second)
    assert seen(live) == [{"events": 4, "tokens": 12, "ttft_s": 1, "itl_s": 3}]
    live.end(opened, second.ended(tokens=None, more=0))
    assert sums(live) == [{"events": 0, "tokens": -12}]


def test_what_was_forgotten_of_an_open_stream_stays_so() -> None:
    live, client = Live(), Streaming(paced(10))
    opened = live.begin(client)
    seen(live)
    live.clear()
    client.stamps += paced(5, first_s=1.0)
    live.end(opened, client.ended(tokens=15, more=0))
    assert sums(live) == [{"events": 5, "tokens": 5, "itl_s": 5}]


def test_others_get_a_turn_while_many_streams_are_counted() -> None:
    live = Live()
    for _ in range(20):
        live.begin(Streaming(paced(SLICE // 4, 0.001)))
    assert len(list(live.look())) >= 4


def test_a_request_that_came_to_no_end_is_under_way_no_more() -> None:
    live, client = Live(), Streaming(paced(3))
    opened = live.begin(client)
    live.leave(opened)
    assert live.active == 0 and seen(live) == []
