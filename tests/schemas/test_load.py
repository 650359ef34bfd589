"""load.json: what a session makes of real results passes, and each way to get it wrong is told."""

import copy
from typing import Any

import pytest

import schemas
from load import gate, health
from load.metrics import Limits, Metrics, Series
from load.overhead import Pairs
from load.result import StreamResult


def stream(second: int, **more: Any) -> StreamResult:
    gaps_s = (0.01,) * 9
    return StreamResult(
        float(second),
        0.2,
        0.05,
        gaps_s,
        tpot_s=0.01,
        events=13,
        content_events=10,
        reads=12,
        bytes_read=3000,
        tokens=10,
        scheduled_s=second - 0.001,
        **more,
    )


@pytest.fixture
def document() -> dict[str, Any]:
    checks = gate.parse(["ttft_p95 < 300ms", "chat-short: error_rate < 1%"])
    metrics, series, pairs = Metrics(Limits(good=checks.good)), Series(), Pairs()
    for second in range(3):
        metrics.add("chat-short", stream(second))
        metrics.add("chat-short", stream(second, failure="http 500", detail="asleep"))
        metrics.add("chat-long", stream(second, violations=(("ids", "two ids"),)))
        pairs.add(stream(second), stream(second))
    taken = metrics.take()
    metrics.receive(taken)
    pairs.receive(pairs.take())
    for figures in taken.values():
        series.add_figures(1, figures)
    series.add_counts(3, {"active": 3, "events": 12.5})
    series.add_health(3, 0.002, 0.4)
    figures = metrics.summary()
    lag = {"p50": 0.001, "p99": 0.002, "max": 0.003}
    errors = {"count": 3, "p50": -0.00001, "p99": 0.001, "max": 0.002}
    calibration = {
        "streams": 3,
        "duration_s": 5.0,
        "ttft_s": 0.05,
        "itl_s": 0.01,
        "events_per_stream": 10,
        "processes": 1,
    }
    calibration |= {"ttft_error_s": errors, "itl_error_s": errors, "note": None, "loop_lag_s": lag, "cpu": 0.1}
    found: dict[str, Any] = {
        "tool": {"name": "gateproof", "version": "0.1.0"},
        "command": "gateproof load http://127.0.0.1:8000/v1",
        "base_url": "http://127.0.0.1:8000/v1",
        "model": "echo",
        "profile": "openai",
        "max_tokens": None,
        "users": 3,
        "arrivals": {"kind": "poisson", "rate": 3.0, "users": None},
        **figures,
        "distribution": metrics.total.distribution(),
        "client": {"errors": 0, "processes": 1, "loop_lag_s": lag, "cpu": 0.2, "events_per_read": 1.08}
        | {"lateness_s": figures["lateness_s"], "calibration": calibration},
        "overhead": pairs.summary(),
        "series": series.rows(),
    }
    found["client"] = health.judged(found)
    found["slo"] = gate.judge(found, checks, copy.deepcopy(found))
    return found


def places(document: Any) -> list[str]:
    return [sentence.split(": ")[0] for sentence in schemas.violations("load", document, limit=50)]


def test_a_whole_document_passes(document: dict[str, Any]) -> None:
    assert schemas.violations("load", document, limit=50) == []


def test_a_run_that_measured_nothing_passes(document: dict[str, Any]) -> None:
    document |= Metrics().summary() | {
        "distribution": Metrics().total.distribution(),
        "overhead": None,
        "series": [],
        "model": None,
    }
    document["slo"]["baseline"] = document["client"]["calibration"] = None
    assert schemas.violations("load", document, limit=50) == []


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (("ttft_s", "p95"), "fast", "ttft_s.p95"),
        (("ttft_s", "p95"), -0.1, "ttft_s.p95"),
        (("itl_s", "p75"), 0.1, "itl_s"),
        (("errors", "http 500"), 1.5, "errors"),
        (("goodput",), 1.2, "goodput"),
        (("arrivals", "kind"), "random", "arrivals.kind"),
        (("client", "trustworthy"), "yes", "client.trustworthy"),
        (("client", "loop_lag_s", "p99"), "1 ms", "client.loop_lag_s.p99"),
        (("scenarios", "chat-long", "requests"), -1, 'scenarios["chat-long"].requests'),
        (("series", 0, "active"), 0.5, "series[0].active"),
        (("slo", "checks", 0, "held"), None, "slo.checks[0].held"),
        (("violations", 0, "count"), 0, "violations[0].count"),
        (("secret",), "sk-1", "secret"),
    ],
)
def test_a_wrong_value_is_told(document: dict[str, Any], path: tuple[Any, ...], value: Any, place: str) -> None:
    at: Any = document
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    assert [found for found in places(document) if found.startswith(place)]


@pytest.mark.parametrize("name", ["ttft_s", "client", "violations", "series", "scenarios", "unfinished"])
def test_what_is_missing_is_told(document: dict[str, Any], name: str) -> None:
    del document[name]
    assert places(document)
