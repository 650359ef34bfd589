"""Histograms against the exact values they stand for, and figures of several processes against those of one."""

import json
import math
import random

import pytest

from load.metrics import Figures, Histogram, Metrics
from load.result import StreamResult

QUANTILES = (0.0, 0.5, 0.9, 0.95, 0.99, 1.0)


def exact(values: list[float], quantile: float) -> float:
    return sorted(values)[max(1, math.ceil(quantile * len(values))) - 1]


def times(seed: int, count: int) -> list[float]:
    draw = random.Random(seed)
    return [draw.lognormvariate(-5, 1.5) for _ in range(count)]


def counted(values: list[float]) -> Histogram:
    histogram = Histogram()
    histogram.add(values)
    return histogram


def result(seed: int, failure: str | None = None) -> StreamResult:
    gaps = tuple(times(seed, 20))
    return StreamResult(
        started_s=float(seed),
        e2e_s=sum(gaps) + 0.02,
        ttft_s=0.02 + seed / 1000,
        gaps_s=gaps,
        tpot_s=0.005,
        events=23,
        content_events=21,
        reads=22,
        bytes_read=5000,
        tokens=21,
        status=200,
        failure=failure,
        detail=f"seen by {seed}" if failure else "",
    )


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1.0, 100.0])
def test_percentiles_are_within_a_thousandth_of_the_exact_ones(scale: float) -> None:
    values = [value * scale for value in times(1, 5000)]
    found = counted(values).percentiles(QUANTILES)
    assert found == pytest.approx([exact(values, quantile) for quantile in QUANTILES], rel=1e-3, abs=1e-7)


def test_a_tenth_of_a_millisecond_is_told_apart_at_50_ms() -> None:
    assert counted([0.0500]).percentiles([0.5]) != counted([0.0501]).percentiles([0.5])


def test_mean_and_max_are_those_of_the_values() -> None:
    values = times(2, 1000)
    summary = counted(values).summary()
    assert summary["mean"] == pytest.approx(sum(values) / len(values), abs=1e-7)
    assert summary["max"] == pytest.approx(max(values), abs=1e-7)


def test_nothing_counted_gives_no_figures() -> None:
    summary = Histogram().summary()
    assert summary == {"count": 0, "mean": None, "p50": None, "p90": None, "p95": None, "p99": None, "max": None}


def test_values_one_by_one_are_counted_as_values_together() -> None:
    values = [*times(3, 500), 0.0, -1.0]
    found = Histogram()
    for value in values:
        found.add_one(value)
    together = counted(values)
    assert found.buckets == together.buckets
    assert found.percentiles(QUANTILES) == together.percentiles(QUANTILES)
    assert found.mean == pytest.approx(together.mean, abs=1e-6)


def test_a_value_below_zero_counts_as_zero() -> None:
    assert counted([-1.0]).percentiles([1.0]) == [0.0]


def test_four_merged_histograms_equal_one_that_counted_all() -> None:
    parts = [times(seed, 700 + seed) for seed in range(4)]
    merged = Histogram()
    for part in parts:
        merged.merge(Histogram.from_wire(json.loads(json.dumps(counted(part).to_wire()))))
    pooled = counted([value for part in parts for value in part])
    assert merged.buckets == pooled.buckets
    assert merged.summary() == pooled.summary()


def test_four_workers_reporting_again_and_again_give_the_figures_of_one_process() -> None:
    one, master = Metrics(), Metrics()
    workers = [Metrics() for _ in range(4)]
    for number in range(40):
        found = result(number, "http 429" if number % 10 == 9 else None)
        one.add("chat stream", found)
        workers[number % 4].add("chat stream", found)
        if number % 7 == 0:
            master.receive(sent(workers[number % 4]))
    for worker in workers:
        master.receive(sent(worker))
    one.receive(one.take())
    clocked = {"duration_s", "requests_per_s", "events_per_s", "tokens_per_s", "error_examples"}
    assert without(master.summary(), clocked) == without(one.summary(), clocked)
    assert master.summary()["duration_s"] == pytest.approx(one.summary()["duration_s"], rel=0.15)


def test_what_was_taken_is_not_taken_again() -> None:
    metrics = Metrics()
    metrics.add("chat stream", result(1))
    metrics.take()
    left = Metrics()
    left.receive(metrics.take())
    assert left.summary()["requests"] == 0
    assert left.summary()["ttft_s"]["count"] == 0


def test_a_failed_request_counts_but_its_times_do_not() -> None:
    figures = Figures()
    figures.add(result(1, "cut short"))
    summary = figures.summary()
    assert (summary["requests"], summary["failed"], summary["errors"]) == (1, 1, {"cut short": 1})
    assert summary["error_examples"] == {"cut short": "seen by 1"}
    assert [summary[name]["count"] for name in ("ttft_s", "itl_s", "tpot_s", "e2e_s")] == [0, 0, 0, 0]


def test_rates_are_per_second_of_the_span() -> None:
    figures = Figures()
    for second in range(10):
        figures.add(StreamResult(started_s=float(second), e2e_s=1.0, events=30, tokens=20))
    summary = figures.summary()
    assert (summary["duration_s"], summary["requests_per_s"]) == (10.0, 1.0)
    assert (summary["events_per_s"], summary["tokens_per_s"]) == (30.0, 20.0)


def test_without_usage_there_is_no_token_rate() -> None:
    figures = Figures()
    figures.add(StreamResult(started_s=0.0, e2e_s=1.0, events=30))
    assert (figures.summary()["tokens"], figures.summary()["tokens_per_s"]) == (None, None)


def sent(worker: Metrics) -> dict[str, Figures]:
    """What this worker's master gets to see."""
    wire = json.loads(json.dumps({name: figures.to_wire() for name, figures in worker.take().items()}))
    return {name: Figures.from_wire(item) for name, item in wire.items()}


def without(summary: dict[str, object], names: set[str]) -> dict[str, object]:
    found = {name: value for name, value in summary.items() if name not in names}
    scenarios = summary.get("scenarios")
    if isinstance(scenarios, dict):
        found["scenarios"] = {name: without(value, names) for name, value in scenarios.items()}
    return found
