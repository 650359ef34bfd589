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
"""Of a core, by the busiest process: beyond it a queue grows in the client, and every time has that queue in it."""
MAX_LAG_S, MAX_LAG_SHARE = 0.020, 0.1
"""The p99 of the loop's lag, or the p95 of what the client sends late, may be this long, or this share of the TTFT.
In twenty calibrations, of 10 to 1,500 streams on a machine with other work, the p99 of the TTFT's error was 0.7 times
the p99 of the lag at the median, and once more than twice as long. Smaller errors are for a calibration to find."""
BATCHED, BATCHED_CPU, IDLE_LAG_S = 1.5, 0.6, 0.002
"""A server that sends event by event is read at 1.06 events a read by a client with time to spare. From 60 % of a core
on, or a usual lag longer than a gap (an idle loop lags by 0.6 ms, as its timers are that coarse), events that came
apart are read at once, and the gaps between them are lost. Otherwise it is the gateway that sends several at once."""
ERRORS = (
    ("ttft", "p50", 0.1, 0.001),
    ("ttft", "p99", 0.2, 0.005),
    ("itl", "p50", 0.1, 0.001),
    ("itl", "p99", 0.5, 0.005),
)
"""What a calibration may find: as a share of what the run measured, and in seconds, which are never too much."""


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
        """Of fewer than a hundred lags, which is two seconds, the longest but one stands for the p99: a run's beginning
        has a hiccup of its own."""
        p50, p99 = self.lag.percentiles((0.50, min(0.99, 1 - 1.5 / max(self.lag.count, 1))))
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
    cpu, lag_s, late_s = client["cpu"] or 0.0, client["loop_lag_s"]["p99"] or 0.0, client["lateness_s"]["p95"] or 0.0
    limit_s = max(MAX_LAG_S, MAX_LAG_SHARE * (document["ttft_s"]["p50"] or 0.0))
    found = []
    if lost := client.get("lost_processes"):
        found.append(f"{lost} of the client's processes went away during the run, and what it measured last is missing")
    if cpu > MAX_CPU:
        found.append(f"the busiest client process used {cpu:.0%} of its core, so answers waited for the client")
    if lag_s > limit_s:
        found.append(f"the client's loop ran up to {_ms(lag_s)} late (p99), so times are too long by as much")
    if late_s > limit_s:
        found.append(f"the client sent requests up to {_ms(late_s)} later than scheduled (p95)")
    usual_lag_s = client["loop_lag_s"]["p50"] or 0.0
    is_slow = cpu > BATCHED_CPU or usual_lag_s > max(IDLE_LAG_S, document["itl_s"]["mean"] or 0.0)
    if is_slow and (per_read := client["events_per_read"] or 0.0) > BATCHED:
        found.append(f"the client read {per_read:.1f} events at once, as it was slow, so gaps between them are lost")
    if client["calibration"]:
        found += _calibrated(document, client["calibration"])
    return found


def _calibrated(document: Mapping[str, Any], calibration: Mapping[str, Any]) -> list[str]:
    """What the calibration says against the figures: an error that is a good part of what was measured."""
    found = []
    for name, percentile, share, always_s in ERRORS:
        error_s, value_s = calibration[f"{name}_error_s"][percentile], document[f"{name}_s"][percentile]
        if error_s is not None and value_s is not None and error_s > max(always_s, share * value_s):
            found.append(
                f"at this load the client errs by {_ms(error_s)} ({percentile}) in {name.upper()},"
                f" which was measured as {_ms(value_s)}"
            )
    return found


def seconds(values: Sequence[float]) -> Histogram:
    """These lags, in seconds, as a histogram."""
    found = Histogram()
    found.add(values)
    return found


def _ms(value_s: float) -> str:
    return f"{value_s * 1000:.3g} ms"
