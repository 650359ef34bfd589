"""Load documents made up for the tests of the pages: real figures of results that nobody measured."""

import random
from dataclasses import replace
from typing import Any

from load import gate, health
from load.command.sweep import Sweep, judged
from load.metrics import Limits, Metrics, Series
from load.overhead import Pairs
from load.result import StreamResult


def made_up(
    seconds: int = 60, *, lag_s: float = 0.001, cpu: float = 0.4, hostile: str = "", seed: int = 1
) -> dict[str, Any]:
    """A load.json of some hundred streams; `hostile` is put wherever a string of the gateway's, or a user's, goes."""
    rng = random.Random(seed)
    metrics, series = Metrics(Limits(stall_s=0.2)), Series()
    for second in range(seconds):
        for _ in range(8):
            metrics.add(rng.choice(["chat-short", "multi-turn"]), _result(rng, second, hostile))
        taken = metrics.take()
        for one in taken.values():
            series.add_figures(second, one)
            series.add_times(second, one.times)
        metrics.receive(taken)
        series.add_counts(second, {"active": 8 + second % 3, "started": 8, "events": 190.0, "tokens": 180.0})
        series.add_health(second, lag_s * rng.uniform(0.2, 1), cpu * rng.uniform(0.8, 1))
    pairs = Pairs()
    for _ in range(50):
        direct = _result(rng, 1, hostile)
        pairs.add(replace(direct, ttft_s=(direct.ttft_s or 0) + rng.gauss(0.002, 0.0005)), direct)
    pairs.receive(pairs.take())
    figures = metrics.summary()
    document: dict[str, Any] = {
        "tool": {"name": "gateproof", "version": "0.1.0"},
        "command": f"gateproof load 'https://gateway.test/v1{hostile}'",
        "base_url": f"https://gateway.test/v1{hostile}",
        "model": f"meta/llama-3-8b{hostile}",
        "profile": "openai",
        "max_tokens": 64,
        "users": 8,
        "arrivals": {"kind": "poisson", "rate": 8.0, "users": 8},
        **figures,
        "distribution": metrics.total.distribution(),
        "client": {
            "errors": 0,
            "processes": 1,
            "loop_lag_s": {"p50": lag_s / 10, "p99": lag_s, "max": lag_s * 2},
            "cpu": cpu,
            "events_per_read": round(figures["events"] / figures["reads"], 3),
            "lateness_s": figures["lateness_s"],
            "calibration": None,
        },
        "slo": {},
        "overhead": pairs.summary(),
        "series": series.rows(),
    }
    document["client"] = health.judged(document)
    document["slo"] = gate.judge(document, gate.parse(["ttft_p95 < 300ms", "error_rate < 0.1%"]), None)
    return document


def swept(document: dict[str, Any]) -> dict[str, Any]:
    """This document with a sweep of rates, of which the last ones do not hold."""
    sweep = Sweep.parse("1:64")
    while (rate := sweep.next) is not None:
        held = 0 if rate > 20 else 1
        step = judged("rate", rate, document | {"goodput": 0.4 + held * 0.599})
        sweep.add(replace(step, held=bool(held), why="" if held else f"ttft_p95 < 300ms: {20 * rate:.4g} ms"))
    return document | {"sweep": sweep.document()}


def _result(rng: random.Random, second: int, hostile: str) -> StreamResult:
    started_s = second + rng.random()
    late_s = rng.expovariate(1 / 0.0004)
    if rng.random() < 0.01:
        kind = rng.choice(["http 503", "timeout"])
        return StreamResult(started_s, 0.1, failure=kind, detail=f"the upstream is asleep{hostile}", bytes_read=99)
    ttft_s = 0.05 + late_s + rng.expovariate(1 / (0.02 + 0.02 * (second > 30)))
    gaps_s = tuple(0.01 + rng.expovariate(1 / 0.001) + (0.25 if rng.random() < 0.0005 else 0) for _ in range(20))
    violations = (("finish-reason", f'no finish_reason before "[DONE]"{hostile}'),) if rng.random() < 0.01 else ()
    return StreamResult(
        started_s=started_s,
        e2e_s=ttft_s + sum(gaps_s) + 0.001,
        ttft_s=ttft_s,
        gaps_s=gaps_s,
        tpot_s=sum(gaps_s) / 20,
        events=24,
        content_events=21,
        reads=23,
        bytes_read=24 * 250,
        tokens=21,
        status=200,
        done=True,
        scheduled_s=started_s - late_s,
        violations=violations,
    )
