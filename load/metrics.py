"""Figures of a load test: histograms that merge exactly, and the summary made of them. Imports no gevent and no locust.

A histogram of our own because the one live library, hdrhistogram, costs 2.6 times as much per value (0.93 µs against
0.35 µs, and one is recorded per token), brings setuptools along, and has no wheels for Linux on ARM.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from load.result import StreamResult

UNITS_PER_S = 10_000_000
"""Values are counted in units of 0.1 µs."""
SUB_BITS = 11
"""Buckets: 0.1 µs wide below 0.2 ms; above, 1,024 to every doubling, so a value is known to 0.05 %: 25 µs at 50 ms."""
PERCENTILES = {"p50": 0.50, "p90": 0.90, "p95": 0.95, "p99": 0.99}
TIMES = ("ttft_s", "itl_s", "tpot_s", "e2e_s")
_COUNTS = ("requests", "unfinished", "streams", "events", "content_events", "reads", "bytes_read", "tokens")


class Histogram:
    """Counts of times in seconds. Merged histograms of several processes equal the one that would have counted all."""

    __slots__ = ("buckets", "count", "largest_s", "smallest_s", "total_units")

    def __init__(self) -> None:
        self.buckets: dict[int, int] = {}
        self.count = 0
        self.total_units = 0
        self.smallest_s = math.inf
        self.largest_s = 0.0

    def add(self, values_s: Iterable[float]) -> None:
        """Counts every value, in seconds; one below zero counts as zero."""
        buckets, get = self.buckets, self.buckets.get
        count = total = 0
        smallest, largest = self.smallest_s, self.largest_s
        for value in values_s:
            units = int(value * UNITS_PER_S) if value > 0 else 0
            shift = units.bit_length() - SUB_BITS
            key = (shift << SUB_BITS) + (units >> shift) if shift > 0 else units
            buckets[key] = get(key, 0) + 1
            count += 1
            total += units
            if value < smallest:
                smallest = value
            if value > largest:
                largest = value
        self.count += count
        self.total_units += total
        self.smallest_s, self.largest_s = max(smallest, 0.0), largest

    def merge(self, other: "Histogram") -> None:
        for key, count in other.buckets.items():
            self.buckets[key] = self.buckets.get(key, 0) + count
        self.count += other.count
        self.total_units += other.total_units
        self.smallest_s = min(self.smallest_s, other.smallest_s)
        self.largest_s = max(self.largest_s, other.largest_s)

    def percentiles(self, quantiles: Iterable[float]) -> list[float | None]:
        """For each quantile (ascending, 0 to 1) the value in seconds that this share of the values does not exceed."""
        if not self.count:
            return [None for _ in quantiles]
        ordered = iter(sorted(self.buckets.items()))
        found: list[float | None] = []
        seen, middle_s = 0, 0.0
        for quantile in quantiles:
            rank = max(1, math.ceil(quantile * self.count))
            while seen < rank:
                key, count = next(ordered)
                seen += count
                middle_s = _middle_s(key)
            found.append(min(max(middle_s, self.smallest_s), self.largest_s))
        return found

    def summary(self) -> dict[str, float | int | None]:
        """count, mean, percentiles and max, in seconds; all but the count are None when nothing was counted."""
        values = self.percentiles(PERCENTILES.values())
        mean = self.total_units / UNITS_PER_S / self.count if self.count else None
        rounded = {name: _rounded(value) for name, value in zip(PERCENTILES, values, strict=True)}
        return {
            "count": self.count,
            "mean": _rounded(mean),
            **rounded,
            "max": _rounded(self.largest_s) if self.count else None,
        }

    def to_wire(self) -> list[Any]:
        smallest = self.smallest_s if self.count else 0.0
        return [self.total_units, smallest, self.largest_s, list(self.buckets), list(self.buckets.values())]

    @classmethod
    def from_wire(cls, data: list[Any]) -> "Histogram":
        found = cls()
        found.total_units, smallest, found.largest_s, keys, counts = data
        found.buckets = dict(zip(keys, counts, strict=True))
        found.count = sum(counts)
        found.smallest_s = smallest if found.count else math.inf
        return found


class Figures:
    """Everything counted for one scenario. `span_s` is first request sent to last one ended, by one process's clock."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.examples: dict[str, str] = {}
        self.times = {name: Histogram() for name in TIMES}
        self.first_s: float | None = None
        self.span_s = 0.0

    def add(self, result: StreamResult) -> None:
        """Counts one finished request. Times are those of the requests that did not fail."""
        self.first_s = result.started_s if self.first_s is None else min(self.first_s, result.started_s)
        self.span_s = max(self.span_s, result.ended_s - self.first_s)
        counts = self.counts
        counts["requests"] += 1
        counts["events"] += result.events
        counts["content_events"] += result.content_events
        counts["reads"] += result.reads
        counts["bytes_read"] += result.bytes_read
        counts["tokens"] += result.tokens or 0
        if result.failure is not None:
            self.failures[result.failure] += 1
            self.examples.setdefault(result.failure, result.detail)
            return
        times = self.times
        times["e2e_s"].add((result.e2e_s,))
        if result.ttft_s is not None:
            counts["streams"] += 1
            times["ttft_s"].add((result.ttft_s,))
            times["itl_s"].add(result.gaps_s)
        if result.tpot_s is not None:
            times["tpot_s"].add((result.tpot_s,))

    def add_unfinished(self) -> None:
        """Counts a request that was still open when its user was stopped; nothing else of it is known."""
        self.counts["unfinished"] += 1

    def merge(self, other: "Figures") -> None:
        self.counts.update(other.counts)
        self.failures.update(other.failures)
        self.examples = {**other.examples, **self.examples}
        for name, histogram in other.times.items():
            self.times[name].merge(histogram)
        self.span_s = max(self.span_s, other.span_s)

    def take(self) -> "Figures":
        """What was counted since the last call, for sending; the clock of the span goes on."""
        taken = Figures()
        taken.counts, self.counts = self.counts, taken.counts
        taken.failures, self.failures = self.failures, taken.failures
        taken.examples, self.examples = self.examples, taken.examples
        taken.times, self.times = self.times, taken.times
        taken.span_s = self.span_s
        return taken

    def summary(self) -> dict[str, Any]:
        """The figures as in load.json. Rates are per second of the span; tokens come from usage, or are None."""
        requests, tokens = self.counts["requests"], self.counts["tokens"] or None
        return {
            "duration_s": round(self.span_s, 3),
            "requests": requests,
            "failed": self.failures.total(),
            "unfinished": self.counts["unfinished"],
            "failures": dict(sorted(self.failures.items())),
            "failure_examples": dict(sorted(self.examples.items())),
            **{name: self.counts[name] for name in ("events", "content_events", "reads", "bytes_read")},
            "tokens": tokens,
            "requests_per_s": _rate(requests, self.span_s),
            "events_per_s": _rate(self.counts["events"], self.span_s),
            "tokens_per_s": _rate(tokens, self.span_s),
            **{name: histogram.summary() for name, histogram in self.times.items()},
        }

    def to_wire(self) -> dict[str, Any]:
        return {
            "counts": [self.counts[name] for name in _COUNTS],
            "failures": dict(self.failures),
            "examples": self.examples,
            "times": [self.times[name].to_wire() for name in TIMES],
            "span_s": self.span_s,
        }

    @classmethod
    def from_wire(cls, data: Mapping[str, Any]) -> "Figures":
        found = cls()
        found.counts = Counter(dict(zip(_COUNTS, data["counts"], strict=True)))
        found.failures = Counter(data["failures"])
        found.examples = dict(data["examples"])
        found.times = {name: Histogram.from_wire(item) for name, item in zip(TIMES, data["times"], strict=True)}
        found.span_s = data["span_s"]
        return found


class Metrics:
    """The figures of a run by scenario. A worker sends `take()` to its master, which merges it with `receive()`."""

    def __init__(self) -> None:
        self.scenarios: dict[str, Figures] = {}

    def clear(self) -> None:
        self.scenarios.clear()

    def add(self, scenario: str, result: StreamResult) -> None:
        self._of(scenario).add(result)

    def add_unfinished(self, scenario: str) -> None:
        self._of(scenario).add_unfinished()

    def take(self) -> dict[str, Any]:
        """What was counted since the last call, in lists, dicts and numbers only."""
        return {name: figures.take().to_wire() for name, figures in self.scenarios.items()}

    def receive(self, data: Mapping[str, Any]) -> None:
        for name, item in data.items():
            self._of(name).merge(Figures.from_wire(item))

    @property
    def total(self) -> Figures:
        total = Figures()
        for figures in self.scenarios.values():
            total.merge(figures)
        return total

    def summary(self) -> dict[str, Any]:
        """The total's figures, and those of each scenario below `scenarios`."""
        scenarios = {name: figures.summary() for name, figures in sorted(self.scenarios.items())}
        return {**self.total.summary(), "scenarios": scenarios}

    def _of(self, scenario: str) -> Figures:
        return self.scenarios.setdefault(scenario, Figures())


def _middle_s(key: int) -> float:
    """The middle, in seconds, of the bucket that this key stands for."""
    shift = key >> SUB_BITS
    if shift == 0:
        return (key + 0.5) / UNITS_PER_S
    low = (key & ((1 << SUB_BITS) - 1)) << shift
    return (low + (1 << shift) / 2) / UNITS_PER_S


def _rate(count: int | None, span_s: float) -> float | None:
    return round(count / span_s, 2) if count is not None and span_s > 0 else None


def _rounded(value_s: float | None) -> float | None:
    return None if value_s is None else round(value_s, 7)
