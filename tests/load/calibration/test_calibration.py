"""The calibration: what is made of true and seen times, and a real one at a small load."""

import json
from typing import Any

import pytest

from load import health
from load.calibration import calibrate, calibration, like
from load.calibration.calibration import differences


def test_an_error_is_the_time_seen_minus_the_time_sent() -> None:
    sent = {"a": [1.0, 1.1, 1.2]}
    ttft, itl = differences(sent, {"a": [1.003, 1.101, 1.2]})
    assert ttft == pytest.approx([0.003])
    assert itl == pytest.approx([0.002, 0.001])


def test_a_stream_that_was_not_seen_whole_says_nothing() -> None:
    assert differences({"a": [1.0, 1.1], "b": []}, {"a": [1.0], "b": [], "c": [2.0]}) == ([], [])


def test_a_calibration_finds_the_errors_of_every_stream_seen() -> None:
    found = calibrate(3, None, 3.0, ttft_s=0.02, itl_s=0.005, tokens=10)
    assert found["note"] is None and found["streams"] == 3
    assert found["ttft_error_s"]["count"] > 3
    assert found["itl_error_s"]["count"] == 9 * found["ttft_error_s"]["count"]
    assert found["ttft_error_s"]["p50"] > -0.001 and found["itl_error_s"]["p50"] >= 0
    assert found["cpu"] is not None and found["events_per_s"] > 0
    json.dumps(found)


def test_several_processes_are_calibrated_at_the_same_time() -> None:
    found = calibrate(2, None, 6.0, ttft_s=0.02, itl_s=0.005, tokens=4, processes=2)
    assert (found["note"], found["processes"], found["streams"]) == (None, 2, 2)
    assert found["itl_error_s"]["count"] == 3 * found["ttft_error_s"]["count"] > 0


def test_a_rate_is_calibrated_with_as_many_streams_as_it_keeps_open(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def refuse(*words: Any, **_: Any) -> Any:
        asked.append(words)
        raise OSError("no processes here")

    monkeypatch.setattr("subprocess.Popen", refuse)
    found = calibrate(1, 20.0, 1.0, ttft_s=0.1, itl_s=0.01, tokens=41)
    assert (found["streams"], found["ttft_error_s"]["p99"]) == (10, None)
    assert found["note"] == "the calibration could not be run: no processes here"


def document(ttft_s: float, calibration: dict[str, Any] | None) -> dict[str, Any]:
    figures = {"p50": ttft_s, "p99": ttft_s, "mean": ttft_s}
    client = {
        "cpu": 0.2,
        "loop_lag_s": {"p50": 0.0005, "p99": 0.001},
        "events_per_read": 1.0,
        "lateness_s": {"p95": None},
    }
    return {
        "ttft_s": figures,
        "itl_s": {"p50": 0.01, "p99": 0.02, "mean": 0.01},
        "streams": 0,
        "client": client | {"calibration": calibration, "processes": 1},
    }


def errors(ttft_s: float, itl_s: float) -> dict[str, Any]:
    return {"ttft_error_s": {"p50": ttft_s, "p99": ttft_s}, "itl_error_s": {"p50": itl_s, "p99": itl_s}}


def test_an_error_that_is_a_good_part_of_what_was_measured_makes_it_untrustworthy() -> None:
    assert health.judged(document(0.1, errors(0.001, 0.0001)))["trustworthy"]
    assert not health.judged(document(0.005, errors(0.002, 0.0001)))["trustworthy"]
    assert not health.judged(document(0.1, errors(0.001, 0.005)))["trustworthy"]


def test_a_run_without_streams_is_not_calibrated() -> None:
    assert like(document(0.1, None)) is None


@pytest.mark.parametrize(("cores", "at_once"), [(1, 1), (2, 1), (4, 2), (64, 2)])
def test_a_calibration_is_at_the_load_of_the_run(monkeypatch: pytest.MonkeyPatch, cores: int, at_once: int) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(
        calibration, "calibrate", lambda *words, **named: asked.append((words, named)) or {"note": None}
    )
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(cores), raising=False)
    run = document(2.0, None) | {"streams": 10, "content_events": 4000, "arrivals": {"kind": "poisson"}}
    run |= {"series": [{"active": 0}, {"active": 39}, {"active": 41}, {"active": 90}], "events_per_s": 1.0}
    run["client"]["processes"] = 2
    note = (like(run) or {})["note"]
    assert asked[0][1]["processes"] == at_once
    assert note == (None if at_once == 2 else note) and (at_once == 2 or "1 of the 2 processes" in note)
    ((users, *_), named) = asked[0]
    assert users == 21 and named["spread"]
    assert named["itl_s"] == 0.01 and named["ttft_s"] + 0.01 * named["tokens"] <= calibration.LONGEST_S
    assert named["tokens"] / named["ttft_s"] == pytest.approx(400 / 2.0, rel=0.02)
