"""Which load a sweep tries next, when it stops, and what it found."""

from typing import Any

import pytest

from conformance.target import ConfigError
from load.command.sweep import Step, Sweep, judged


def climbed(text: str, limit: float, *, trustworthy: bool = True) -> Sweep:
    """A sweep over a gateway that holds every load up to `limit`."""
    sweep = Sweep.parse(text)
    while (at := sweep.next) is not None:
        held = at <= limit
        sweep.add(Step(at, held, "" if held else "too slow", held or trustworthy))
    return sweep


def test_a_range_is_climbed_by_doubling_and_then_halved() -> None:
    sweep = climbed("1:64", 11)
    assert [step.at for step in sweep.steps[:5]] == [1, 2, 4, 8, 16]
    assert sweep.best is not None and 10 <= sweep.best.at <= 11
    failed = min(step.at for step in sweep.steps if not step.held)
    assert failed / sweep.best.at <= 1.1


def test_nothing_is_tried_above_a_load_that_did_not_hold() -> None:
    sweep = climbed("1:1000", 11)
    bound = float("inf")
    for step in sweep.steps:
        assert step.at < bound
        bound = bound if step.held else step.at


def test_users_are_whole_and_the_knee_is_exact() -> None:
    sweep = climbed("users=1:64", 11)
    assert all(step.at == int(step.at) for step in sweep.steps) and len(sweep.steps) == len({s.at for s in sweep.steps})
    assert sweep.best is not None and sweep.best.at == 11


def test_the_end_of_a_range_is_tried_and_not_passed() -> None:
    sweep = climbed("1:24", 1000)
    assert [step.at for step in sweep.steps] == [1, 2, 4, 8, 16, 24]
    assert sweep.document()["knee"] == 24


def test_a_range_whose_lowest_load_does_not_hold_ends_at_once() -> None:
    sweep = climbed("8:64", 5)
    assert len(sweep.steps) == 1 and sweep.best is None and sweep.document()["knee"] is None


def test_a_list_is_climbed_until_one_does_not_hold() -> None:
    sweep = climbed("5,10,20,40", 12)
    assert [(step.at, step.held) for step in sweep.steps] == [(5, True), (10, True), (20, False)]
    assert [step.at for step in climbed("5,10", 99).steps] == [5, 10]


def test_where_the_client_gave_out_the_gateway_may_hold_more() -> None:
    assert climbed("1:64", 11, trustworthy=False).document()["stopped"]
    assert not climbed("1:64", 11).document()["stopped"] and not climbed("1:8", 99).document()["stopped"]


def test_steps_are_told_in_the_order_of_their_loads() -> None:
    rates = [row["rate"] for row in climbed("1:64", 11).document()["steps"]]
    assert rates == sorted(rates)


@pytest.mark.parametrize(
    "text",
    ["", "64:1", "1:2:3", "a:b", "0:5", "5,5", "5,1", "users=1.5:3", "speed=1:3", "1:inf", "nan,2", "1:", "-1:4"],
)
def test_a_sweep_that_can_t_be_meant_is_told(text: str) -> None:
    with pytest.raises(ConfigError, match="--sweep"):
        Sweep.parse(text)


def document(**changes: Any) -> dict[str, Any]:
    found = {
        "requests": 100,
        "failed": 0,
        "unfinished": 0,
        "dropped": 0,
        "goodput": 1.0,
        "violations": [],
        "requests_per_s": 10.0,
        "tokens_per_s": 100.0,
        "ttft_s": {"p50": 0.1, "p95": 0.2},
        "itl_s": {"p99": 0.01},
        "client": {"trustworthy": True, "reasons": []},
        "slo": {"checks": []},
    }
    return found | changes


def test_a_load_holds_if_everything_was_answered() -> None:
    step = judged("rate", 10, document())
    assert step.held and step.why == "" and step.figures["ttft_p95_s"] == 0.2


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"slo": {"checks": [{"held": False, "sentence": "ttft_p95 < 1ms: 2 ms"}]}}, "ttft_p95 < 1ms: 2 ms"),
        ({"failed": 3}, "3 of 100 requests failed"),
        ({"violations": [{"rule": "STREAM-003", "count": 2}]}, "violations of STREAM-003"),
        ({"unfinished": 20}, "20 of 120 requests were not answered in time"),
        ({"dropped": 50}, "50 of 150 requests were not answered in time"),
        ({"requests": 0}, "nothing was answered"),
        ({"client": {"trustworthy": False, "reasons": ["busy"]}}, "the client was the bottleneck: busy"),
    ],
)
def test_a_load_that_does_not_hold_says_why(changes: dict[str, Any], why: str) -> None:
    step = judged("rate", 10, document(**changes))
    assert (step.held, step.why) == (False, why)


def test_failures_that_an_slo_allows_are_its_business() -> None:
    checks = {"checks": [{"held": True, "sentence": "error_rate < 5%: 3%"}]}
    assert judged("rate", 10, document(failed=3, slo=checks)).held
