"""The figures of a load.json by the names that SLOs call them, and how each is read and written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

STATISTICS = ("mean", "p50", "p90", "p95", "p99", "max")
TIMES = ("ttft", "itl", "tpot", "e2e", "lateness")
COUNTS = ("requests", "failed", "unfinished", "dropped", "streams", "stalls", "cut_short", "malformed")
RATES = ("requests_per_s", "events_per_s", "tokens_per_s", "tokens_per_event")
TIME, SHARE, NUMBER = "time", "share", "number"


@dataclass(frozen=True, slots=True)
class Figure:
    """`read` takes a load.json, or one of its scenarios, and gives seconds, a share from 0 to 1 or a number; None where
    nothing was measured."""

    kind: str
    read: Callable[[Mapping[str, Any]], float | None]

    def told(self, value: float | None) -> str:
        """The value with its unit, as it is written in an SLO."""
        if value is None:
            return "not measured"
        if self.kind == TIME:
            return f"{value * 1000:.4g} ms" if value < 1 else f"{value:.4g} s"
        return f"{value * 100:.4g}%" if self.kind == SHARE else f"{value:.6g}"


def _time(name: str, statistic: str) -> Figure:
    return Figure(TIME, lambda figures: figures[f"{name}_s"][statistic])


def _per_stream(name: str, statistic: str) -> Figure:
    return Figure(NUMBER, lambda figures: figures["per_stream"][name][statistic])


def _plain(name: str) -> Figure:
    return Figure(NUMBER, lambda figures: figures[name])


def _error_rate(figures: Mapping[str, Any]) -> float | None:
    return figures["failed"] / figures["requests"] if figures["requests"] else None


FIGURES: dict[str, Figure] = {
    **{f"{name}_{statistic}": _time(name, statistic) for name in TIMES for statistic in STATISTICS},
    "error_rate": Figure(SHARE, _error_rate),
    "goodput": Figure(SHARE, lambda figures: figures["goodput"]),
    **{name: _plain(name) for name in (*RATES, *COUNTS)},
    "violations": Figure(NUMBER, lambda figures: sum(row["count"] for row in figures["violations"])),
    **{
        f"stream_{name}_{statistic}": _per_stream(name, statistic)
        for name in ("tokens_per_s", "events_per_s")
        for statistic in STATISTICS
    },
}
"""By name. `stream_tokens_per_s_p50` is a figure of single streams, `tokens_per_s` of the whole run."""
