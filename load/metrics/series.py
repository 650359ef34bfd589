"""A run second by second: what the charts are drawn from."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from load.metrics.figures import Figures
from load.metrics.histogram import PERCENTILES, Histogram, rounded

OPEN_S = 15
"""For so many seconds a row can still change its percentiles: workers report every three."""
_PERCENTILES = {"lateness_s": ("p95",), "ttft_s": ("p50", "p95"), "itl_s": ("p50", "p99")}
_COUNTS = ("active", "started", "ended", "failed", "violations", "stalls")


class Series:
    """Rows by second of the wall clock, which is what the workers of one run share.

    Requests, and their lateness, belong to the second in which they ended; events, tokens, TTFT and gaps to the second
    in which they came.
    """

    def __init__(self) -> None:
        self._rows: dict[int, _Row] = {}

    def clear(self) -> None:
        self._rows.clear()

    def add_figures(self, second: int, figures: Figures) -> None:
        row = self._row(second)
        counts = row.counts
        counts["ended"] += figures.counts["requests"]
        counts["failed"] += figures.errors.total()
        counts["violations"] += figures.violations.total()
        counts["stalls"] += figures.counts["stalls"]
        self.add_times(second, {"lateness_s": figures.times["lateness_s"]})

    def add_times(self, second: int, times: Mapping[str, Histogram]) -> None:
        """Adds times of those names that a row has percentiles of; they come too late for a row that is closed."""
        row = self._row(second)
        if row.histograms is not None:
            for name in row.histograms.keys() & times:
                row.histograms[name].merge(times[name])

    def add_counts(self, second: int, counts: Mapping[str, float]) -> None:
        """Adds to what of a row is a count: started, events, tokens, and the active ones of one more process."""
        self._row(second).counts.update(counts)

    def add_health(self, second: int, loop_lag_s: float, cpu: float) -> None:
        """Of several processes, the worst counts."""
        row = self._row(second)
        row.loop_lag_s = max(row.loop_lag_s or 0.0, loop_lag_s)
        row.cpu = max(row.cpu or 0.0, cpu)

    def rows(self) -> list[dict[str, Any]]:
        """One row a second, `t_s` counted from the first, none left out in between."""
        if not self._rows:
            return []
        first, last = min(self._rows), max(self._rows)
        empty = _Row()
        return [{"t_s": second - first, **self._rows.get(second, empty).told()} for second in range(first, last + 1)]

    def _row(self, second: int) -> "_Row":
        if (row := self._rows.get(second)) is None:
            row = self._rows[second] = _Row()
            if (old := self._rows.get(second - OPEN_S)) is not None:
                old.close()
        row.change()
        return row


class _Row:
    """One second. It is told often, changed rarely, and nearly never when it is old."""

    __slots__ = ("_percentiles", "_told", "counts", "cpu", "histograms", "loop_lag_s")

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.histograms: dict[str, Histogram] | None = {name: Histogram() for name in _PERCENTILES}
        self.loop_lag_s: float | None = None
        self.cpu: float | None = None
        self._percentiles: dict[str, float | None] = {}
        self._told: dict[str, Any] | None = None

    def close(self) -> None:
        """Keeps the percentiles and lets go of what they were made of."""
        self._percentiles = self._read()
        self.histograms = None

    def change(self) -> None:
        """Something of it is about to change."""
        self._told = None

    def told(self) -> dict[str, Any]:
        if self._told is None:
            counts = self.counts
            self._told = {
                **{name: int(counts[name]) for name in _COUNTS},
                **self._read(),
                "events_per_s": round(counts["events"], 1),
                "tokens_per_s": round(counts["tokens"], 1),
                "loop_lag_s": rounded(self.loop_lag_s),
                "cpu": None if self.cpu is None else round(self.cpu, 4),
            }
        return self._told

    def _read(self) -> dict[str, float | None]:
        if self.histograms is None:
            return self._percentiles
        found: dict[str, float | None] = {}
        for name, histogram in self.histograms.items():
            wanted = _PERCENTILES[name]
            values = histogram.percentiles([PERCENTILES[percentile] for percentile in wanted])
            stem = name.removesuffix("_s")
            found |= {f"{stem}_{key}_s": rounded(value) for key, value in zip(wanted, values, strict=True)}
        return found


def spread(first_s: float, gaps_s: Sequence[float]) -> Iterator[tuple[int, int]]:
    """(second, how many) of the events of a stream whose first came at `first_s`, on that clock's whole seconds."""
    stamps = list(accumulate(gaps_s, initial=first_s))
    at = 0
    while at < len(stamps):
        second = int(stamps[at])
        after = bisect_left(stamps, second + 1, at)
        yield second, after - at
        at = after
