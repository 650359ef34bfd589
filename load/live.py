"""What came in which second: of the streams of one process, those that are still open among them.

The figures of a run are made of answers that have ended. A chart of them would be empty for as long as one answer
takes, so what came of an open one is counted as it comes, and put right when it ends. Imports neither gevent nor
locust.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from operator import sub
from time import perf_counter, time
from typing import Protocol

from load.metrics import Histogram, spread
from load.result import StreamResult

SLICE = 500
"""Events that are counted before whoever waits gets a turn: some 0.1 ms."""


class Watched(Protocol):
    """What is open of a client: since when its answer counts, when text came, on the clock of `perf_counter`."""

    @property
    def watched(self) -> tuple[float, Sequence[float]]: ...

    def bound(self) -> None:
        """Ends the answer if it is longer than any may be."""


class _Open:
    """One request under way: how many of its events are counted, in which second, and as how many tokens each; when the
    last of those came, on the wall clock."""

    __slots__ = ("client", "last_s", "seconds", "tokens", "told")

    def __init__(self, client: Watched | None, tokens: float) -> None:
        self.client, self.tokens = client, tokens
        self.told = 0
        self.last_s = 0.0
        self.seconds: dict[int, int] = {}


class Live:
    """Counts by second of the wall clock: `counts` of requests started, events and tokens, `times` of TTFT and gaps.

    Tokens are known when an answer ends, as its usage tells them. Until then an event counts as many as it held on
    average in the answers before, and one if there were none.
    """

    def __init__(self) -> None:
        self.counts: defaultdict[int, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
        self.times: defaultdict[int, defaultdict[str, Histogram]] = defaultdict(lambda: defaultdict(Histogram))
        self._open: set[_Open] = set()
        self._ended: Counter[str] = Counter()
        self._wall_s = time() - perf_counter()

    @property
    def active(self) -> int:
        """How many requests are under way."""
        return len(self._open)

    def clear(self) -> None:
        """Forgets what was counted; what is open stays open, and what came of it before stays forgotten."""
        self.counts.clear()
        self.times.clear()
        self._ended.clear()
        for opened in self._open:
            opened.seconds.clear()
        self._wall_s = time() - perf_counter()

    def take(self) -> tuple[dict[int, dict[str, float]], dict[int, dict[str, Histogram]]]:
        """(counts, times) since the last call."""
        taken = {at: dict(found) for at, found in self.counts.items()}, {at: dict(h) for at, h in self.times.items()}
        self.counts.clear()
        self.times.clear()
        return taken

    def begin(self, client: Watched | None) -> _Open:
        """A request is about to be sent by this client; None for one whose answer can't be watched."""
        self.counts[int(time())]["started"] += 1
        ended = self._ended
        opened = _Open(client, ended["tokens"] / ended["content_events"] if ended["content_events"] else 1.0)
        self._open.add(opened)
        return opened

    def leave(self, opened: _Open) -> None:
        """The request came to no end."""
        self._open.discard(opened)

    def look(self) -> Iterator[None]:
        """Counts what has come of the open streams since the last time; stops now and then, so that others get a
        turn."""
        seen = 0
        for opened in list(self._open):
            if opened.client is None or opened not in self._open:
                continue
            opened.client.bound()
            from_s, stamps = opened.client.watched
            if fresh := len(stamps) - opened.told:
                self._count(opened, from_s, stamps)
            if (seen := seen + fresh + 5) > SLICE:
                seen = 0
                yield

    def _count(self, opened: _Open, from_s: float, stamps: Sequence[float]) -> None:
        told = opened.told
        if not told:
            self.times[int(stamps[0] + self._wall_s)]["ttft_s"].add_one(stamps[0] - from_s)
        start = max(told - 1, 0)
        gaps = tuple(map(sub, stamps[start + 1 :], stamps[start:]))
        opened.told = start + 1 + len(gaps)
        opened.last_s = stamps[start + len(gaps)] + self._wall_s
        self._count_events(opened, stamps[start] + self._wall_s, gaps, told - start)

    def _count_events(self, opened: _Open, first_s: float, gaps_s: Sequence[float], known: int) -> None:
        for second, number in self._gaps(first_s, gaps_s, known):
            opened.seconds[second] = opened.seconds.get(second, 0) + number
            counts = self.counts[second]
            counts["events"] += number
            counts["tokens"] += number * opened.tokens

    def _gaps(self, first_s: float, gaps_s: Sequence[float], known: int) -> Iterator[tuple[int, int]]:
        """Counts the gaps before events that are not known yet; (second, how many of those) of the events of a stream,
        the first `known` of which are."""
        at = 0
        for second, number in spread(first_s, gaps_s):
            after = at + number
            if fresh := gaps_s[max(at, known, 1) - 1 : after - 1]:
                self.times[second]["itl_s"].add(fresh)
            if after > known:
                yield second, after - max(at, known)
            at = after

    def end(self, opened: _Open, result: StreamResult) -> None:
        """The request has ended: what was counted of it is put right, and the rest is counted."""
        self._open.discard(opened)
        events = result.content_events
        if result.ttft_s is None or not events:
            self.counts[int(time())]["tokens"] += result.tokens or 0
            return
        self._ended["tokens"] += result.tokens or 0
        self._ended["content_events"] += events
        if opened.told:
            self._count_events(opened, opened.last_s, result.gaps_s[opened.told - 1 :], 1)
        else:
            first_s = self._wall_s + result.ended_s - result.e2e_s + result.ttft_s
            self.times[int(first_s)]["ttft_s"].add_one(result.ttft_s)
            self._count_events(opened, first_s, result.gaps_s, 0)
        self._put_right(opened.seconds, result.events / events - 1, (result.tokens or 0) / events - opened.tokens)

    def _put_right(self, seconds: Mapping[int, int], events: float, tokens: float) -> None:
        for second, number in seconds.items():
            counts = self.counts[second]
            counts["events"] += number * events
            counts["tokens"] += number * tokens
