"""What is counted of every request of a load test, and the summary made of it."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from load.metrics.histogram import Histogram, rounded
from load.result import StreamResult

TIMES = ("lateness_s", "ttft_s", "itl_s", "tpot_s", "e2e_s")
"""What is measured in seconds: once a request, but ITL, which is every gap between two events with text."""
RATES = ("tokens_per_s", "events_per_s")
"""What is measured once a stream, as a rate over its whole time."""
DISTRIBUTED = ("ttft_s", "itl_s", "e2e_s")
SHARES = (*(percent / 100 for percent in range(100)), 0.995, 0.999, 0.9995, 0.9999, 1.0)
"""Of all values, from none to all, and closer where it matters: the slowest."""
STALL_S = 1.0
CUT_SHORT = frozenset({"cut short", "no [DONE]"})
MALFORMED = frozenset(
    {"malformed event", "malformed answer", "oversized event", "oversized stream", "not an event stream"}
)
_TAKEN = (
    "counts",
    "errors",
    "violations",
    "error_examples",
    "violation_examples",
    "times",
    "rates",
    "client_lateness_s",
)
_SHOWN = ("streams", "left", "dropped", "events", "content_events", "reads", "bytes_read", "stalls")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request is held against: `stall_s` is the longest gap, in seconds, that is no stall; `good` says whether
    a request of a scenario that neither failed nor broke a rule is within its SLOs."""

    stall_s: float = STALL_S
    good: Callable[[str, StreamResult], bool] | None = None


class Figures:
    """Everything counted for one scenario. `span_s` is first request sent to last one ended, by one process's clock."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.error_examples: dict[str, str] = {}
        self.violations: Counter[str] = Counter()
        self.violation_examples: dict[str, str] = {}
        self.times = {name: Histogram() for name in TIMES}
        self.rates = {name: Histogram() for name in RATES}
        self.client_lateness_s = Histogram()
        """Of the lateness, what can only be the client's: no connection was opened, no Retry-After obeyed."""
        self.first_s: float | None = None
        self.span_s = 0.0

    def add(self, result: StreamResult, stall_s: float = STALL_S, good: bool = True) -> None:
        """Counts one finished request, which is within its SLOs if it is `good` and all else is well. Times are those
        of the requests that did not fail; a gap above `stall_s` seconds is a stall."""
        self.first_s = result.started_s if self.first_s is None else min(self.first_s, result.started_s)
        self.span_s = max(self.span_s, result.ended_s - self.first_s)
        counts = self.counts
        counts["requests"] += 1
        counts["events"] += result.events
        counts["content_events"] += result.content_events
        counts["reads"] += result.reads
        counts["bytes_read"] += result.bytes_read
        counts["retry_obeyed"] += result.attempts - 1
        counts["retry_seen"] += result.attempts - 1 + (result.retry_after_s is not None)
        if result.tokens is not None:
            counts["tokens"] += result.tokens
            counts["content_events_with_tokens"] += result.content_events
        if (lateness_s := result.lateness_s) is not None:
            self.times["lateness_s"].add_one(lateness_s)
            if result.connect_s is None and result.attempts == 1:
                self.client_lateness_s.add_one(lateness_s)
        for rule, seen in result.violations:
            self.violations[rule] += 1
            self.violation_examples.setdefault(rule, seen)
        if result.failure is not None:
            self.errors[result.failure] += 1
            self.error_examples.setdefault(result.failure, result.detail)
            return
        if good and not result.violations:
            counts["good"] += 1
        self._time(result, stall_s)

    def _time(self, result: StreamResult, stall_s: float) -> None:
        counts, times = self.counts, self.times
        if result.ttft_s is not None:
            counts["streams"] += 1
            times["ttft_s"].add_one(result.ttft_s)
            if gaps := result.gaps_s:
                times["itl_s"].add(gaps)
                if max(gaps) > stall_s:
                    counts["stalls"] += sum(gap > stall_s for gap in gaps)
        if result.left:
            counts["left"] += 1
            return
        times["e2e_s"].add_one(result.e2e_s)
        if result.tpot_s is not None:
            times["tpot_s"].add_one(result.tpot_s)
        if result.ttft_s is not None and result.e2e_s > 0:
            self.rates["events_per_s"].add_one(result.events / result.e2e_s)
            if result.tokens is not None:
                self.rates["tokens_per_s"].add_one(result.tokens / result.e2e_s)

    def merge(self, other: "Figures") -> None:
        for counter, more in zip(self._counters(), other._counters(), strict=True):
            counter.update(more)
        self.error_examples = {**other.error_examples, **self.error_examples}
        self.violation_examples = {**other.violation_examples, **self.violation_examples}
        for histogram, others in zip(self._histograms(), other._histograms(), strict=True):
            histogram.merge(others)
        self.span_s = max(self.span_s, other.span_s)

    def take(self) -> "Figures":
        """What was counted since the last call; the clock of the span goes on."""
        taken = Figures()
        for name in _TAKEN:
            mine, fresh = getattr(self, name), getattr(taken, name)
            setattr(self, name, fresh)
            setattr(taken, name, mine)
        taken.span_s = self.span_s
        return taken

    def summary(self) -> dict[str, Any]:
        """The figures as in load.json. Rates are per second of the span; tokens come from usage, or are None."""
        counts, span_s = self.counts, self.span_s
        tokens = counts.get("tokens")
        with_tokens = counts["content_events_with_tokens"]
        rates = {"requests": counts["requests"], "events": counts["events"], "tokens": tokens}
        asked = counts["requests"] + counts["dropped"]
        return {
            "duration_s": round(span_s, 3),
            "requests": counts["requests"],
            "failed": self.errors.total(),
            "errors": dict(sorted(self.errors.items())),
            "error_examples": dict(sorted(self.error_examples.items())),
            "unfinished": counts["unfinished"],
            **{name: counts[name] for name in _SHOWN},
            "tokens": tokens,
            **{f"{name}_per_s": _ratio(count, span_s, 2) for name, count in rates.items()},
            "tokens_per_event": _ratio(tokens, with_tokens, 4),
            "cut_short": sum(self.errors[kind] for kind in CUT_SHORT),
            "malformed": sum(self.errors[kind] for kind in MALFORMED),
            "retry_after": {"seen": counts["retry_seen"], "obeyed": counts["retry_obeyed"]},
            "violations": [
                {"rule": rule, "count": count, "example": self.violation_examples.get(rule, "")}
                for rule, count in self.violations.most_common()
            ],
            "goodput": _ratio(counts["good"], asked, 6),
            **{name: histogram.summary() for name, histogram in self.times.items()},
            "per_stream": {name: histogram.summary() for name, histogram in self.rates.items()},
        }

    def distribution(self) -> dict[str, list[float | None]]:
        """What the curves of the times are drawn from: at each `share` the value that so many values do not exceed;
        nothing for a time that was not measured."""
        times = {name: self.times[name] for name in DISTRIBUTED}
        curves = {name: found.percentiles(SHARES) if found.count else [] for name, found in times.items()}
        return {"share": list(SHARES), **{name: list(map(rounded, curve)) for name, curve in curves.items()}}

    def to_wire(self) -> dict[str, Any]:
        return {
            "counters": [dict(counter) for counter in self._counters()],
            "examples": [self.error_examples, self.violation_examples],
            "histograms": [histogram.to_wire() for histogram in self._histograms()],
            "span_s": self.span_s,
        }

    @classmethod
    def from_wire(cls, data: Mapping[str, Any]) -> "Figures":
        found = cls()
        found.counts, found.errors, found.violations = (Counter(item) for item in data["counters"])
        found.error_examples, found.violation_examples = (dict(item) for item in data["examples"])
        histograms = [Histogram.from_wire(item) for item in data["histograms"]]
        found.times = dict(zip(TIMES, histograms, strict=False))
        found.rates = dict(zip(RATES, histograms[len(TIMES) : -1], strict=True))
        found.client_lateness_s = histograms[-1]
        found.span_s = data["span_s"]
        return found

    def _counters(self) -> tuple["Counter[str]", ...]:
        return self.counts, self.errors, self.violations

    def _histograms(self) -> list[Histogram]:
        return [*self.times.values(), *self.rates.values(), self.client_lateness_s]


class Metrics:
    """The figures of a run by scenario. What is counted is fresh until it is taken: to be received by this process, or
    sent to the master and received there."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.scenarios: dict[str, Figures] = {}
        self._fresh: dict[str, Figures] = {}

    def clear(self) -> None:
        self.scenarios.clear()
        self._fresh.clear()

    def add(self, scenario: str, result: StreamResult) -> None:
        good = self.limits.good is None or self.limits.good(scenario, result)
        self._fresh_of(scenario).add(result, self.limits.stall_s, good)

    def add_unfinished(self, scenario: str) -> None:
        """Counts a request that was still open when its user was stopped; nothing else of it is known."""
        self._fresh_of(scenario).counts["unfinished"] += 1

    def add_dropped(self, scenario: str) -> None:
        """Counts a request that was due and was not sent, because as many as are allowed were open."""
        self._fresh_of(scenario).counts["dropped"] += 1

    def take(self) -> dict[str, Figures]:
        """What is fresh, by scenario."""
        return {name: figures.take() for name, figures in self._fresh.items()}

    def receive(self, taken: Mapping[str, Figures]) -> None:
        for name, figures in taken.items():
            self.scenarios.setdefault(name, Figures()).merge(figures)

    @property
    def total(self) -> Figures:
        return total(self.scenarios.values())

    def summary(self) -> dict[str, Any]:
        """The total's figures, and those of each scenario below `scenarios`. What is fresh is not among them."""
        scenarios = {name: figures.summary() for name, figures in sorted(self.scenarios.items())}
        return {**self.total.summary(), "scenarios": scenarios}

    def _fresh_of(self, scenario: str) -> Figures:
        return self._fresh.setdefault(scenario, Figures())


def total(figures: Any) -> Figures:
    """All of these as one."""
    found = Figures()
    for item in figures:
        found.merge(item)
    return found


def _ratio(count: int | None, per: float, digits: int) -> float | None:
    return round(count / per, digits) if count is not None and per > 0 else None
