"""Whether the load's own client kept up: what it measures of itself, and what may not be believed when it did not.

A client that is late stamps late, and the gateway is blamed for it. So each process watches how late its own loop runs
and how much of a core it needs, and a run whose client was the bottleneck says so. Imports neither gevent nor locust.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from load.metrics import Histogram, rounded

PROBE_S = 0.02
"""How long the probe sleeps: what it sleeps longer than that is the lag of the loop."""
MAX_CPU = 0.9
MAX_LAG_P99_S = 0.02
MAX_LAG_SHARE = 0.1
MAX_LATENESS_P95_S = 0.05
BATCHED = 1.5
BATCHED_CPU = 0.6
MAX_ERROR_SHARE = 0.1
MAX_ITL_ERROR_SHARE = 0.2


class Health:
    """The lag of the loop and the CPU of the processes that send. `cpu` is the busiest one's, as a share of a core."""

    def __init__(self) -> None:
        self.lag = Histogram()
        self._used: dict[str, tuple[float, float]] = {}

    def clear(self) -> None:
        self.lag = Histogram()
        self._used.clear()

    def add(self, process: str, lag: Histogram, cpu_s: float, wall_s: float) -> None:
        """Counts one second of one process, in which requests were open."""
        self.lag.merge(lag)
        cpu_before_s, wall_before_s = self._used.get(process, (0.0, 0.0))
        self._used[process] = cpu_before_s + cpu_s, wall_before_s + wall_s

    @property
    def processes(self) -> int:
        return len(self._used)

    @property
    def cpu(self) -> float | None:
        shares = [cpu_s / wall_s for cpu_s, wall_s in self._used.values() if wall_s > 0]
        return round(max(shares), 4) if shares else None

    def summary(self) -> dict[str, Any]:
        p50, p99 = self.lag.percentiles((0.50, 0.99))
        largest = self.lag.largest if self.lag.count else None
        lag = {"p50": rounded(p50), "p99": rounded(p99), "max": rounded(largest)}
        return {"processes": self.processes, "loop_lag_s": lag, "cpu": self.cpu}


def judged(document: Mapping[str, Any]) -> dict[str, Any]:
    """`client` of a load.json with `trustworthy` and `reasons` as its figures have them, the calibration's too."""
    found = reasons(document)
    return {**document["client"], "trustworthy": not found, "reasons": found}


def reasons(document: Mapping[str, Any]) -> list[str]:
    """One sentence for everything that says that the client, not the gateway, was the bottleneck."""
    client = document["client"]
    cpu, lag_s, per_read = client["cpu"], client["loop_lag_s"]["p99"], client["events_per_read"]
    ttft_s, late_s = document["ttft_s"]["p50"], document["client"]["lateness_s"]["p95"]
    found = []
    if cpu is not None and cpu > MAX_CPU:
        found.append(f"the busiest client process used {cpu:.0%} of its core, so answers waited for the client")
    if lag_s is not None and lag_s > max(MAX_LAG_P99_S, MAX_LAG_SHARE * (ttft_s or 0)):
        found.append(f"the client's loop ran up to {_ms(lag_s)} late (p99), so times are too long by as much")
    if late_s is not None and late_s > MAX_LATENESS_P95_S:
        found.append(f"requests were sent up to {_ms(late_s)} later than scheduled (p95) because of the client")
    if per_read and per_read > BATCHED and cpu is not None and cpu > BATCHED_CPU:
        found.append(f"{per_read:.1f} events a read at {cpu:.0%} CPU: the client read in batches, so ITL is wrong")
    if client["calibration"]:
        found += calibrated(document, client["calibration"])
    return found


def calibrated(document: Mapping[str, Any], calibration: Mapping[str, Any]) -> list[str]:
    """What the calibration says against the figures: an error that is a good part of what was measured."""
    found = []
    for name, title, share in (("ttft", "TTFT", MAX_ERROR_SHARE), ("itl", "ITL", MAX_ITL_ERROR_SHARE)):
        errors, measured = calibration[f"{name}_error_s"], document[f"{name}_s"]
        for percentile in ("p50", "p99"):
            error_s, value_s = errors[percentile], measured[percentile]
            if error_s is not None and value_s and error_s > share * value_s:
                found.append(
                    f"at this load the client errs by {_ms(error_s)} in {title} {percentile} of {_ms(value_s)},"
                    " by its calibration"
                )
    return found


def seconds(values: Sequence[float]) -> Histogram:
    """These lags, in seconds, as a histogram."""
    found = Histogram()
    found.add(values)
    return found


def _ms(value_s: float) -> str:
    return f"{value_s * 1000:.3g} ms"
