"""SLOs: how they are read, what they are held against, and the exit code that comes of it."""

import copy
from typing import Any

import pytest

from conformance.target import ConfigError
from load import gate, health
from load.metrics import Limits, Metrics
from load.result import StreamResult


def result(ttft_s: float = 0.1, gaps_s: tuple[float, ...] = (0.01,) * 99, **more: Any) -> StreamResult:
    return StreamResult(
        0.0,
        ttft_s + sum(gaps_s),
        ttft_s,
        gaps_s,
        tpot_s=0.01,
        events=len(gaps_s) + 3,
        content_events=len(gaps_s) + 1,
        reads=len(gaps_s) + 3,
        tokens=len(gaps_s) + 1,
        **more,
    )


def document(*results: StreamResult, slo: tuple[str, ...] = (), baseline: Any = None, **client: Any) -> dict[str, Any]:
    """A load.json of these results, as the session makes it."""
    checks = gate.parse(slo)
    metrics = Metrics(Limits(good=checks.good))
    for found in results:
        metrics.add("chat-short", found)
    metrics.receive(metrics.take())
    told = {
        "errors": 0,
        "cpu": 0.1,
        "loop_lag_s": {"p50": 0.0005, "p99": 0.001},
        "events_per_read": 1.0,
        "calibration": None,
    }
    told |= {"lateness_s": {"p95": None}}
    found = {"model": "m", "profile": None, "max_tokens": 8, "arrivals": {"kind": "closed"}, **metrics.summary()}
    found["client"] = told | client
    found["client"] = health.judged(found)
    found["slo"] = gate.judge(found, checks, baseline)
    return found


@pytest.mark.parametrize(
    ("text", "name", "sign", "limit", "scenario"),
    [
        ("ttft_p95 < 300ms", "ttft_p95", "<", 0.3, ""),
        ("ttft_p95<0.3s", "ttft_p95", "<", 0.3, ""),
        ("error_rate < 0.1%", "error_rate", "<", 0.001, ""),
        ("goodput > 0.99", "goodput", ">", 0.99, ""),
        ("itl_p99 <= 50 ms", "itl_p99", "<=", 0.05, ""),
        ("tokens_per_s > 100", "tokens_per_s", ">", 100, ""),
        ("events_per_s >= 1e3", "events_per_s", ">=", 1000, ""),
        ("chat-short: TTFT_max < 900us", "ttft_max", "<", 0.0009, "chat-short"),
        ("stalls <= 0", "stalls", "<=", 0, ""),
    ],
)
def test_an_slo_is_read_as_it_is_written(text: str, name: str, sign: str, limit: float, scenario: str) -> None:
    (check,) = gate.parse([text]).all
    assert (check.name, check.sign, check.scenario) == (name, sign, scenario)
    assert check.limit == pytest.approx(limit)


def test_several_slos_fit_in_one_text() -> None:
    found = gate.parse(["ttft_p95 < 1s, goodput > 0.9\nstalls <= 0", "itl_p99 < 1s"])
    assert [check.name for check in found.all] == ["ttft_p95", "goodput", "stalls", "itl_p99"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ttft_p95", "not of the form"),
        ("ttft_p95 = 300ms", "not of the form"),
        ("ttft_p95 < fast", "not of the form"),
        ("ttft_p95 < 300", "ttft_p95 takes s or ms"),
        ("tfft_p95 < 300ms", "did you mean ttft_p95?"),
        ("ttft_p96 < 300ms", "did you mean ttft_p9"),
        ("good_put > 1%", "did you mean goodput?"),
        ("error_rate < 5 ms", "error_rate takes % or no unit"),
    ],
)
def test_what_is_no_slo_is_told_with_a_way_out(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says.replace("?", r"\?")):
        gate.parse([text])


def test_a_missed_slo_ends_with_1_and_a_held_one_with_0() -> None:
    assert gate.exit_code(document(result(), slo=("ttft_p95 < 300ms",))) == 0
    missed = document(result(), slo=("ttft_p95 < 300ms", "ttft_p95 < 50ms"))
    assert gate.exit_code(missed) == 1
    assert [row["held"] for row in missed["slo"]["checks"]] == [True, False]
    assert missed["slo"]["checks"][1]["sentence"] == "ttft_p95 < 50ms: 100 ms"


def test_what_was_not_measured_is_not_held() -> None:
    assert gate.exit_code(document(result(), slo=("lateness_p95 < 1s",))) == 1
    assert gate.exit_code(document(result(), slo=("no-such-scenario: ttft_p95 < 1s",))) == 1
    assert gate.exit_code(document(result(), slo=("chat-short: ttft_p95 < 1s",))) == 0


def test_goodput_counts_the_requests_that_hold_every_limit() -> None:
    slow, stuttering = result(ttft_s=0.5), result(gaps_s=(0.01,) * 90 + (0.2,) * 9)
    failed, wrong = result(failure="http 500"), result(violations=(("done", "no [DONE]"),))
    found = document(result(), slow, stuttering, failed, wrong, slo=("ttft_p95 < 300ms", "itl_p99 < 50ms"))
    assert found["goodput"] == 0.2


def test_one_slow_gap_in_a_hundred_is_within_a_limit_of_the_99th_percentile() -> None:
    one = result(gaps_s=(0.01,) * 99 + (0.2,))
    assert document(one, slo=("itl_p99 < 50ms",))["goodput"] == 1.0
    assert document(one, slo=("itl_max < 50ms",))["goodput"] == 0.0


def test_of_two_limits_of_one_time_the_loosest_is_asked_of_each_request() -> None:
    assert document(result(ttft_s=0.2), slo=("ttft_p50 < 100ms", "ttft_p99 < 300ms"))["goodput"] == 1.0


@pytest.mark.parametrize(
    ("results", "slo", "client", "code"),
    [
        ([result()], (), {}, 0),
        ([], (), {}, 5),
        ([result()], (), {"errors": 1}, 3),
        ([result(), result(failure="http 500")], (), {}, 1),
        ([result(), result(failure="http 500")], ("error_rate < 60%",), {}, 0),
        ([result(), result(failure="http 500")], ("error_rate < 1%",), {}, 1),
        ([result(failure="http 500")], ("error_rate < 101%",), {}, 1),
        ([result(violations=(("done", "no [DONE]"),))], (), {}, 1),
        ([result()], (), {"cpu": 0.97}, 7),
        ([result()], ("ttft_p95 < 1ms",), {"cpu": 0.97}, 7),
        ([result(), result(failure="timeout")], (), {"cpu": 0.97}, 7),
        ([result(), result(failure="http 500")], (), {"cpu": 0.97}, 1),
        ([result(violations=(("done", "no [DONE]"),))], (), {"cpu": 0.97}, 1),
    ],
)
def test_the_exit_code_never_hides_a_failure(
    results: list[StreamResult], slo: tuple[str, ...], client: dict[str, Any], code: int
) -> None:
    assert gate.exit_code(document(*results, slo=slo, **client)) == code


def test_a_slower_run_is_a_regression_and_an_equal_one_is_none() -> None:
    before = document(result())
    assert gate.exit_code(document(result(), baseline=before)) == 0
    slower = document(result(ttft_s=0.12), baseline=before)
    assert gate.exit_code(slower) == 1
    regressed = {row["name"] for row in slower["slo"]["baseline"]["figures"] if row["regressed"]}
    assert regressed == {"ttft_p50", "ttft_p95"}
    assert gate.exit_code(document(result(ttft_s=0.08), baseline=before)) == 0


def test_the_tolerance_says_how_much_slower_is_no_regression() -> None:
    before, now = document(result()), document(result(ttft_s=0.12))
    assert not gate.compared(now, before, 0.10)["held"]
    assert gate.compared(now, before, 0.30)["held"]


def swept(*steps: dict[str, Any], stopped: str = "", knee: float | None = 1.0, **client: Any) -> dict[str, Any]:
    return document(result(), **client) | {"sweep": {"unit": "rate", "knee": knee, "stopped": stopped, "steps": steps}}


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (swept({"requests": 9, "violations": 0}), 0),
        (swept({"requests": 9, "violations": 0}, knee=None), 1),
        (swept({"requests": 9, "violations": 0}, {"requests": 9, "violations": 2}), 1),
        (swept({"requests": 0, "violations": 0}, knee=None), 5),
        (swept({"requests": 9, "violations": 0}, stopped="the client gave out"), 7),
        (swept({"requests": 9, "violations": 0}, cpu=0.97), 7),
        (swept({"requests": 9, "violations": 0}, errors=1), 3),
    ],
)
def test_a_sweep_ends_with_0_if_a_load_was_found_that_holds(found: dict[str, Any], code: int) -> None:
    assert gate.exit_code(found) == code


@pytest.mark.parametrize("change", [{"model": "other"}, {"arrivals": {"kind": "poisson"}}, {"scenarios": {}}])
def test_runs_of_different_loads_are_not_compared(change: dict[str, Any]) -> None:
    before = document(result()) | change
    found = document(result(), baseline=before)
    assert gate.exit_code(found) == 1
    assert found["slo"]["baseline"]["differences"] and not found["slo"]["baseline"]["figures"]


def test_a_baseline_that_was_not_to_be_trusted_is_none() -> None:
    before = copy.deepcopy(document(result(), cpu=0.99))
    assert not document(result(), baseline=before)["slo"]["baseline"]["comparable"]
