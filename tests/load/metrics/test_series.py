"""The seconds of a run: what belongs to which, and what several processes add to one."""

from load.metrics import Figures, Series, spread
from load.metrics.series import OPEN_S
from load.result import StreamResult


def ended(*ttfts_s: float, failure: str | None = None) -> Figures:
    found = Figures()
    for ttft_s in ttfts_s:
        found.add(StreamResult(0.0, ttft_s + 0.02, ttft_s, (0.01, 0.01), failure=failure))
    return found


def test_events_belong_to_the_second_in_which_they_came() -> None:
    assert list(spread(10.9, (0.05, 0.05, 0.5, 1.5))) == [(10, 2), (11, 2), (13, 1)]
    assert list(spread(7.0, ())) == [(7, 1)]


def test_a_second_in_which_nothing_came_is_a_row_too() -> None:
    series = Series()
    series.add_counts(100, {"started": 2})
    series.add_counts(103, {"started": 1})
    assert [(row["t_s"], row["started"]) for row in series.rows()] == [(0, 2), (1, 0), (2, 0), (3, 1)]
    assert series.rows()[1]["ttft_p50_s"] is None


def test_the_parts_of_several_processes_make_one_row() -> None:
    series = Series()
    for ttfts_s in ((0.1, 0.1), (0.3, 0.3, 0.3)):
        series.add_figures(5, ended(*ttfts_s))
        series.add_times(5, ended(*ttfts_s).times)
    series.add_figures(5, ended(0.1, failure="http 500"))
    series.add_counts(5, {"active": 4, "events": 10.5})
    series.add_counts(5, {"active": 3, "events": 1.0})
    series.add_health(5, 0.001, 0.9)
    series.add_health(5, 0.004, 0.2)
    (row,) = series.rows()
    assert (row["ended"], row["failed"], row["active"], row["events_per_s"]) == (6, 1, 7, 11.5)
    assert (row["loop_lag_s"], row["cpu"]) == (0.004, 0.9)
    assert abs(row["ttft_p50_s"] - 0.3) < 0.001


def test_what_comes_late_is_still_counted_and_an_old_row_keeps_its_percentiles() -> None:
    series = Series()
    series.add_figures(0, ended(0.1))
    series.add_times(0, ended(0.1).times)
    before = series.rows()[0]
    for second in range(1, OPEN_S + 2):
        series.add_figures(second, ended(0.2))
    series.add_counts(0, {"events": 7})
    series.add_figures(0, ended(0.5))
    series.add_times(0, ended(0.5).times)
    row = series.rows()[0]
    assert (row["ended"], row["events_per_s"]) == (2, 7)
    assert row["ttft_p50_s"] == before["ttft_p50_s"] is not None


def test_a_cleared_series_has_no_rows() -> None:
    series = Series()
    series.add_counts(1, {"started": 1})
    series.clear()
    assert series.rows() == []
