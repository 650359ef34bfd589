"""When a run's own client may be believed, and what its several processes come to."""

from typing import Any

import pytest

from load import health
from load.health import Health


def document(ttft_s: float = 0.05, itl_s: float = 0.01, **client: Any) -> dict[str, Any]:
    told = {"cpu": 0.3, "loop_lag_s": {"p50": 0.0006, "p99": 0.003}, "events_per_read": 1.06, "calibration": None}
    told |= {"lateness_s": {"p95": 0.001}}
    return {"ttft_s": {"p50": ttft_s}, "itl_s": {"mean": itl_s}, "client": told | client}


@pytest.mark.parametrize(
    ("client", "says"),
    [
        ({"cpu": 0.97}, "97% of its core"),
        ({"loop_lag_s": {"p50": 0.0006, "p99": 0.025}}, "25 ms late"),
        ({"lateness_s": {"p95": 0.2}}, "200 ms later than scheduled"),
        ({"events_per_read": 3.0, "cpu": 0.7}, "3.0 events at once"),
        ({"events_per_read": 3.0, "loop_lag_s": {"p50": 0.02, "p99": 0.03}}, "3.0 events at once"),
    ],
)
def test_a_client_that_was_the_bottleneck_says_why(client: dict[str, Any], says: str) -> None:
    found = health.judged(document(**client))
    assert not found["trustworthy"] and says in " ".join(found["reasons"])


@pytest.mark.parametrize(
    "client",
    [
        {},
        {"cpu": None, "loop_lag_s": {"p50": None, "p99": None}, "events_per_read": None, "lateness_s": {"p95": None}},
        {"events_per_read": 4.0},
        {"cpu": 0.85},
    ],
)
def test_a_client_with_time_to_spare_is_believed(client: dict[str, Any]) -> None:
    assert health.judged(document(**client))["reasons"] == []


def test_a_lag_counts_by_what_was_measured() -> None:
    lag = {"loop_lag_s": {"p50": 0.001, "p99": 0.05}}
    assert not health.judged(document(ttft_s=0.1, **lag))["trustworthy"]
    assert health.judged(document(ttft_s=2.0, **lag))["trustworthy"]


def test_one_hiccup_of_a_short_run_is_its_longest_lag_and_not_its_p99() -> None:
    found = Health()
    found.add("a", health.seconds([0.001] * 40 + [0.08]), 0.1, 1.0)
    lag = found.summary()["loop_lag_s"]
    assert lag["max"] == 0.08 and lag["p99"] < 0.002
    found.add("a", health.seconds([0.08]), 0.1, 1.0)
    assert found.summary()["loop_lag_s"]["p99"] > 0.07


def test_of_several_processes_the_busiest_counts_and_the_lags_are_one() -> None:
    found = Health()
    for process, cpu_s in (("a", 0.2), ("b", 0.9), ("a", 0.4), ("b", 0.7)):
        found.add(process, health.seconds([0.001, cpu_s / 100]), cpu_s, 1.0)
    summary = found.summary()
    assert (summary["processes"], summary["cpu"]) == (2, 0.8)
    assert summary["loop_lag_s"]["max"] == 0.009
