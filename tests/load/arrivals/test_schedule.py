"""When requests are to start: the times of every kind of schedule, and what a description may say."""

import subprocess
import sys
from itertools import islice, pairwise, takewhile
from pathlib import Path

import pytest

from conformance.target import ConfigError
from load.arrivals import Schedule
from tests.conftest import ROOT


def within(text: str, duration_s: float, rate: float | None = None, seed: int = 1) -> list[float]:
    schedule = Schedule.parse(text, rate)
    assert schedule is not None
    return list(takewhile(lambda offset_s: offset_s < duration_s, schedule.times(seed)))


def test_without_a_rate_arrivals_are_closed() -> None:
    assert Schedule.parse("") is None and Schedule.parse("closed") is None


def test_a_rate_alone_is_poisson() -> None:
    schedule = Schedule.parse("", 5)
    assert schedule is not None and (schedule.kind, schedule.text) == ("poisson", "poisson at 5/s")


def test_a_constant_rate_is_evenly_spaced() -> None:
    assert within("constant", 1, rate=4) == pytest.approx([0, 0.25, 0.5, 0.75])
    assert within("constant:rate=4", 1) == within("constant", 1, rate=4)


def test_poisson_gaps_have_the_mean_and_the_spread_of_an_exponential() -> None:
    times = within("poisson", 1000, rate=10)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    mean = sum(gaps) / len(gaps)
    spread = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert mean == pytest.approx(0.1, rel=0.05) and spread == pytest.approx(mean, rel=0.05)
    assert sum(gap < 0.01 for gap in gaps) / len(gaps) == pytest.approx(0.095, abs=0.01)


def test_the_same_seed_gives_the_same_arrivals_and_another_one_others() -> None:
    assert within("poisson", 10, 5, seed=7) == within("poisson", 10, 5, seed=7) != within("poisson", 10, 5, seed=8)


def test_a_ramp_rises_evenly_and_stays() -> None:
    times = within("ramp:from=1,to=9,over=10s", 12)
    assert [sum(at <= time < at + 5 for time in times) for at in (0, 5)] == [15, 35]
    assert sum(time >= 10 for time in times) == 18
    assert times == sorted(times)


def test_a_falling_ramp_is_one_too() -> None:
    assert len(within("ramp:from=9,to=1,over=10s", 10)) == 50


def test_steps_follow_each_other_and_the_last_one_stays() -> None:
    times = within("step:rates=1/5/2,each=2s", 8)
    assert [sum(at <= time < at + 2 for time in times) for at in (0, 2, 4, 6)] == [2, 10, 4, 4]


def test_a_spike_comes_and_goes() -> None:
    times = within("spike:rate=2,peak=20,at=3s,for=1s", 7)
    assert [sum(at <= time < at + 1 for time in times) for at in range(7)] == [2, 2, 2, 20, 2, 2, 2]
    assert times == within("spike:peak=20,at=3s,for=1s", 7, rate=2)


def test_a_ramp_can_be_random_too() -> None:
    even, random = (
        within("ramp:from=50,to=150,over=10s", 10),
        within("ramp:from=50,to=150,over=10s,spacing=poisson", 10),
    )
    assert even != random and len(random) == pytest.approx(1000, rel=0.1)


@pytest.mark.parametrize(
    ("text", "rate", "length_s", "expected"),
    [
        ("constant", 5.0, None, 50),
        ("poisson", 5.0, None, 50),
        ("ramp:from=1,to=9,over=10s", None, 10, 50),
        ("step:rates=1/5/2,each=2s", None, 6, 24),
        ("spike:rate=2,peak=20,at=3s,for=1s", None, 7, 38),
    ],
)
def test_a_schedule_knows_its_length_and_how_many_arrivals_to_expect(
    text: str, rate: float | None, length_s: float | None, expected: float
) -> None:
    schedule = Schedule.parse(text, rate)
    assert schedule is not None
    assert (schedule.length_s, schedule.expected(10)) == (length_s, pytest.approx(expected))


def test_the_rate_at_a_moment() -> None:
    schedule = Schedule.parse("ramp:from=1,to=9,over=8s")
    assert schedule is not None
    assert [schedule.rate_at(at) for at in (0, 4, 100)] == [1, 5, 9] and schedule.peak() == 9


def test_a_very_long_schedule_does_not_drift() -> None:
    schedule = Schedule.parse("constant", 1000)
    assert schedule is not None
    assert next(islice(schedule.times(), 1_000_000, None)) == pytest.approx(1000, abs=1e-6)


@pytest.mark.parametrize(
    ("lines", "offsets"),
    [
        ("5\n6.5\n6\n", (0, 1, 1.5)),
        ("# a comment\n\n10\n10\n", (0, 0)),
        ("timestamp,tokens\n1,20\n3,40\n", (0, 2)),
        ("TIMESTAMP,Context\n2023-11-16 18:17:03.5000000,4\n2023-11-16 18:17:05.7500000,9\n", (0, 2.25)),
        ('"2026-01-01T00:00:00Z"\n"2026-01-01T01:00:10+01:00"\n', (0, 10)),
    ],
)
def test_a_file_of_times_is_replayed(tmp_path: Path, lines: str, offsets: tuple[float, ...]) -> None:
    (tmp_path / "times").write_text(lines)
    assert within(f"replay:{tmp_path}/times", 1e9) == pytest.approx(offsets)
    assert within(f"replay:{tmp_path}/times,speed=2", 1e9) == pytest.approx([offset / 2 for offset in offsets])


@pytest.mark.parametrize("lines", ["", "# nothing\n", "1\nsoon\n", "a\nb\n", "1\ninf\n", "1\n\xff\n"])
def test_a_file_without_times_is_refused_with_its_line(tmp_path: Path, lines: str) -> None:
    (tmp_path / "times").write_text(lines, "latin-1")
    with pytest.raises(ConfigError, match="replay:"):
        Schedule.parse(f"replay:{tmp_path}/times")


@pytest.mark.parametrize(
    ("text", "rate", "says"),
    [
        ("ramps", None, "did you mean ramp"),
        ("constant", None, "a rate is missing"),
        ("closed", 3.0, "closed has no rate"),
        ("ramp", None, "from= is missing"),
        ("ramp:from=1,to=2,over=0", None, "over= must be a time"),
        ("ramp:from=1,to=2,over=5s", 3.0, "--rate has no meaning"),
        ("ramp:from=1,to=2,over=5s,upto=9", None, "upto= means nothing here"),
        ("poisson:3", None, "should be name=value"),
        ("poisson:rate=0", None, "is not a rate above 0"),
        ("poisson:rate=nan", None, "is not a rate above 0"),
        ("poisson:rate=inf", None, "is not a rate above 0"),
        ("step:rates=1/x,each=2s", None, "rates=x is not a rate"),
        ("step:each=2s", None, "rates= is missing"),
        ("spike:rate=1,peak=2,at=2s", None, "for= must be a time"),
        ("ramp:from=1,to=2,over=5s,spacing=odd", None, "spacing= must be even or poisson"),
        ("replay", None, "a file is missing"),
        ("replay:/nowhere/at/all", None, "can't be read"),
        ("replay:/nowhere", 3.0, "--rate has no meaning"),
        ("replay:/nowhere,speed=0", None, "is not a number above 0"),
    ],
)
def test_what_can_t_be_meant_is_told(text: str, rate: float | None, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Schedule.parse(text, rate)


def test_schedules_scenarios_and_options_need_neither_gevent_nor_locust() -> None:
    modules = "load.arrivals, load.arrivals.shares, load.scenarios, load.options, load.progress, load.command.sweep"
    code = f"import sys, {modules}, load.command.locust_run; print({{'locust', 'gevent'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "set()\n"
