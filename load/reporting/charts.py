"""Which charts are drawn from the series of a load.json, on the dashboard and in load.html alike, and their numbers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import ceil
from statistics import fmean
from typing import Any

MOST_POINTS = 3600
"""An hour of seconds; of a longer run, each point of load.html stands for several seconds."""


@dataclass(frozen=True, slots=True)
class Line:
    """One member of the series' rows. `thinned` says what several seconds together amount to: max, mean or sum."""

    key: str
    label: str
    thinned: str = "max"


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines in one unit. Times are in seconds in the series and drawn in milliseconds."""

    name: str
    title: str
    unit: str
    lines: tuple[Line, ...]
    about: str
    scale: float = 1.0


CHARTS = (
    Chart(
        "ttft",
        "Time to first token",
        "ms",
        (Line("ttft_p50_s", "p50"), Line("ttft_p95_s", "p95")),
        "From when the request was due, or sent where there is no schedule, to its first content event, in whose second"
        " it stands.",
        1000,
    ),
    Chart(
        "itl",
        "Time between tokens (ITL)",
        "ms",
        (Line("itl_p50_s", "p50"), Line("itl_p99_s", "p99")),
        "Every gap between two content events of one stream, in the second of the later one.",
        1000,
    ),
    Chart(
        "throughput",
        "Throughput",
        "per second",
        (Line("events_per_s", "events", "mean"), Line("tokens_per_s", "tokens", "mean")),
        "By the seconds in which events came. Tokens are those of the usage; each event of a stream that is still open"
        " counts as many as one of the answers before held.",
    ),
    Chart(
        "active",
        "Requests under way",
        "requests",
        (Line("active", "active"), Line("started", "started", "sum"), Line("ended", "ended", "sum")),
        "Active: open in that second, on average. Started and ended: during it.",
    ),
    Chart(
        "trouble",
        "Failures, violations, stalls",
        "per second",
        (Line("failed", "failed", "sum"), Line("violations", "violations", "sum"), Line("stalls", "stalls", "sum")),
        "A stall is a gap over the limit; a violation is a stream that breaks a rule, however quick it is.",
    ),
    Chart(
        "lateness",
        "Lateness of starts",
        "ms",
        (Line("lateness_p95_s", "p95"),),
        "How long after its scheduled time a request was really sent. TTFT and end to end include it.",
        1000,
    ),
    Chart(
        "lag",
        "Client: loop lag",
        "ms",
        (Line("loop_lag_s", "lag"),),
        "How late the client's own event loop runs. What it lags, it can add to every time above.",
        1000,
    ),
    Chart(
        "cpu",
        "Client: CPU",
        "% of a core",
        (Line("cpu", "CPU"),),
        "A load generator near 100 % measures itself. With workers: the busiest process.",
        100,
    ),
)
KEYS = {line.key: line for chart in CHARTS for line in chart.lines}
_COMBINED: dict[str, Callable[[Iterable[float]], float]] = {"max": max, "mean": fmean, "sum": sum}


def specification() -> list[dict[str, Any]]:
    """The charts as the pages' script reads them."""
    return [asdict(chart) for chart in CHARTS]


def columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[float | None]]:
    """The rows of a series by column: t_s and every member that a chart draws; None where a second has no value."""
    found: dict[str, list[float | None]] = {key: [_short(row.get(key)) for row in rows] for key in ("t_s", *KEYS)}
    return found


def thinned(rows: Sequence[Mapping[str, Any]], most: int = MOST_POINTS) -> tuple[dict[str, list[float | None]], int]:
    """(columns of at most so many points, the rows that each point stands for)."""
    step = max(1, ceil(len(rows) / most))
    whole = columns(rows)
    if step == 1:
        return whole, 1
    starts = range(0, len(rows), step)
    found = {key: [_combined(whole[key][at : at + step], line.thinned) for at in starts] for key, line in KEYS.items()}
    return {"t_s": whole["t_s"][::step], **found}, step


def _combined(values: Sequence[float | None], how: str) -> float | None:
    known = [value for value in values if value is not None]
    return _short(_COMBINED[how](known)) if known else None


def _short(value: Any) -> float | None:
    """Six digits are more than a chart can show."""
    return None if value is None else float(f"{value:.6g}")
