"""What one process measured since it last told, as it travels to the master in plain lists, dicts and numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from load.metrics.figures import Figures, total
from load.metrics.histogram import Histogram
from load.metrics.series import Series


@dataclass(frozen=True, slots=True)
class Batch:
    """`second` (of the wall clock) is when its requests ended; `counts` and `times` have what came in which second; the
    lag of the loop and the CPU are those of the last second in which requests were open, or nothing."""

    second: int
    figures: dict[str, Figures]
    counts: Mapping[int, Mapping[str, float]]
    times: Mapping[int, Mapping[str, Histogram]]
    pairs: Any
    lag: Histogram
    cpu_s: float = 0.0
    wall_s: float = 0.0

    def add_to(self, series: Series) -> None:
        figures = total(self.figures.values())
        if figures.counts:
            series.add_figures(self.second, figures)
        for second, counts in self.counts.items():
            series.add_counts(second, counts)
        for second, times in self.times.items():
            series.add_times(second, times)
        if self.lag.count and self.wall_s:
            series.add_health(self.second, self.lag.largest, self.cpu_s / self.wall_s)

    def to_wire(self) -> dict[str, Any]:
        return {
            "second": self.second,
            "figures": {name: figures.to_wire() for name, figures in self.figures.items()},
            "counts": [[second, dict(counts)] for second, counts in self.counts.items()],
            "times": [
                [second, {name: histogram.to_wire() for name, histogram in times.items()}]
                for second, times in self.times.items()
            ],
            "pairs": self.pairs,
            "health": [self.lag.to_wire(), self.cpu_s, self.wall_s],
        }

    @classmethod
    def from_wire(cls, data: Mapping[str, Any]) -> "Batch":
        lag, cpu_s, wall_s = data["health"]
        return cls(
            second=data["second"],
            figures={name: Figures.from_wire(item) for name, item in data["figures"].items()},
            counts=dict(data["counts"]),
            times={
                second: {name: Histogram.from_wire(item) for name, item in times.items()}
                for second, times in data["times"]
            },
            pairs=data["pairs"],
            lag=Histogram.from_wire(lag),
            cpu_s=cpu_s,
            wall_s=wall_s,
        )
