"""Paired differences: what is made of them, and what a gateway that reshapes a stream is told."""

import json
import random
from typing import Any

import pytest

from load.overhead import Pairs, estimate, student
from load.result import StreamResult


def stream(ttft_s: float, gaps_s: tuple[float, ...], tokens: int | None = None, **more: Any) -> StreamResult:
    content = len(gaps_s) + 1
    return StreamResult(
        0.0,
        ttft_s + sum(gaps_s),
        ttft_s,
        gaps_s,
        events=content + 3,
        content_events=content,
        reads=content + 3,
        tokens=content if tokens is None else tokens,
        **more,
    )


def paced(ttft_s: float, count: int = 30, **more: Any) -> StreamResult:
    return stream(ttft_s, (0.01,) * count, **more)


def compared(*pairs: tuple[StreamResult, StreamResult]) -> dict[str, Any]:
    found = Pairs()
    for via, direct in pairs:
        found.add(via, direct)
    found.receive(json.loads(json.dumps(found.take())))
    summary = found.summary()
    assert summary is not None
    return summary


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(1, 12.706), (4, 2.776), (5, 2.571), (9, 2.262), (29, 2.045), (1000, 1.962)]
)
def test_student_s_quantile_is_the_table_s(freedom: int, quantile: float) -> None:
    assert student(freedom) == pytest.approx(quantile, rel=2e-3)


def test_the_intervals_hold_the_true_value_as_often_as_they_say() -> None:
    draw = random.Random(7)
    held = {"mean_interval": 0, "p50_interval": 0}
    for _ in range(400):
        found = estimate([draw.gauss(0.002, 0.001) for _ in range(40)])
        for name in held:
            held[name] += found[name][0] <= 0.002 <= found[name][1]
    assert all(0.92 <= count / 400 <= 0.99 for count in held.values())


def test_what_the_gateway_adds_is_told_through_a_noise_much_larger_than_it() -> None:
    draw = random.Random(1)
    pairs = []
    for _ in range(200):
        shared = draw.uniform(0.05, 0.5)
        pairs.append((paced(shared + 0.002 + draw.gauss(0, 0.0005)), paced(shared)))
    added = compared(*pairs)["added"]["ttft_s"]
    assert added["count"] == 200
    assert added["p50_interval"][0] < 0.002 < added["p50_interval"][1]
    assert added["p50_interval"][0] > 0.0015 and added["p50_interval"][1] < 0.0025


def test_what_the_gateway_saves_is_told_as_that() -> None:
    findings = compared(*[(paced(0.1), paced(0.102))] * 20)["findings"]
    assert findings[0] == "TTFT: 2 ms saved at the median (95 % confidence: 2 ms to 2 ms)"


def test_equal_ways_differ_by_nothing_that_can_be_shown() -> None:
    draw = random.Random(2)
    pairs = [(paced(0.1 + draw.gauss(0, 0.01)), paced(0.1 + draw.gauss(0, 0.01))) for _ in range(100)]
    findings = compared(*pairs)["findings"]
    assert findings[0].startswith("TTFT: no difference that 100 pairs can show")
    assert findings[-1] == "the gateway passes every event on by itself, as it came"


def test_a_gateway_that_merges_events_is_told() -> None:
    merged = stream(0.1, (0.02,) * 15, tokens=32)
    findings = compared(*[(merged, stream(0.1, (0.01,) * 31))] * 10)["findings"]
    assert [text for text in findings if "merges events: tokens per event 2, from the provider 1" in text]


def test_a_gateway_that_splits_events_is_told() -> None:
    whole = stream(0.1, (0.02,) * 15, tokens=32)
    findings = compared(*[(stream(0.1, (0.01,) * 31), whole)] * 10)["findings"]
    assert [text for text in findings if "splits events" in text]


def test_a_gateway_that_holds_events_back_is_told() -> None:
    held_back = stream(0.1, (0.0, 0.0, 0.0, 0.04) * 8)
    found = compared(*[(held_back, paced(0.1, 32))] * 10)
    assert found["shape"]["via"]["bunched"] == 0.75 and found["shape"]["direct"]["bunched"] == 0
    assert [text for text in found["findings"] if "holds events back" in text]


def test_pairs_in_which_one_failed_are_counted_and_not_compared() -> None:
    found = compared((paced(0.1, failure="http 500"), paced(0.1)), (paced(0.2), paced(0.1)))
    assert (found["pairs"], found["failed"], found["added"]["ttft_s"]["count"]) == (2, {"via": 1, "direct": 0}, 1)


def test_workers_pairs_are_told_as_one_process_would() -> None:
    pairs = [(paced(0.1 + number / 1000), paced(0.1)) for number in range(20)]
    master = Pairs()
    for part in (pairs[::2], pairs[1::2]):
        worker = Pairs()
        for via, direct in part:
            worker.add(via, direct)
        master.receive(json.loads(json.dumps(worker.take())))
    assert master.summary() == compared(*pairs)


def test_without_pairs_there_is_no_overhead() -> None:
    assert Pairs().summary() is None
