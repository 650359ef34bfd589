"""Finding the highest load at which the SLOs hold: which load to try next, and when to stop. Pure; nothing is run here.

A range is climbed by doubling until a load does not hold, and then halved in between; a list is climbed in its order.
Nothing is tried beyond the first load that does not hold: a gateway past saturation only answers more slowly.
"""

import math
from dataclasses import dataclass, field
from typing import Any

from conformance.target import ConfigError

CLOSE_ENOUGH = 1.1
"""The search ends when what holds and what does not are within this factor."""
MOST_STEPS = 20
KEPT_UP = 0.9
"""A load holds only if this share of what was asked for was answered in its time."""
FORM = "such as 1:64, 5,10,20 (requests per second), or users=1:64"


@dataclass(frozen=True, slots=True)
class Step:
    """One load that was tried: `at` is a rate or a number of users; `why` says what did not hold."""

    at: float
    held: bool
    why: str = ""
    trustworthy: bool = True
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Sweep:
    """A search over `unit` ("rate" or "users"), with the steps made so far."""

    unit: str
    loads: tuple[float, ...]
    is_range: bool
    steps: list[Step] = field(default_factory=list)

    @classmethod
    def parse(cls, text: str) -> "Sweep":
        """A range LOW:HIGH or a list A,B,C of rates, or of users after "users=". Raises ConfigError."""
        unit, equals, rest = text.rpartition("=")
        unit = unit.strip() if equals else "rate"
        if unit not in ("rate", "users"):
            raise ConfigError(f"--sweep {text}: it must be of rate= or of users=, {FORM}")
        is_range = ":" in rest
        loads = tuple(_load(text, part, unit) for part in rest.split(":" if is_range else ","))
        if list(loads) != sorted(set(loads)) or (is_range and len(loads) != 2):
            raise ConfigError(f"--sweep {text}: loads must rise, {FORM}")
        return cls(unit, loads, is_range)

    @property
    def text(self) -> str:
        """The search as an option gives it."""
        loads = (":" if self.is_range else ",").join(f"{load:g}" for load in self.loads)
        return f"{self.unit}={loads}"

    @property
    def best(self) -> Step | None:
        """The highest load that held."""
        return max((step for step in self.steps if step.held), key=lambda step: step.at, default=None)

    @property
    def next(self) -> float | None:
        """The load to try next; None when the search is over."""
        failed = [step.at for step in self.steps if not step.held]
        best = self.best.at if self.best else None
        if not self.is_range:
            return None if failed or len(self.steps) == len(self.loads) else self.loads[len(self.steps)]
        low, high = self.loads
        if not self.steps:
            return low
        if len(self.steps) >= MOST_STEPS or best is None or best >= high:
            return None
        if not failed:
            return min(best * 2, high)
        middle = math.sqrt(best * min(failed))
        if self.unit == "users":
            middle = float((int(best) + int(min(failed))) // 2)
            return middle if middle > best else None
        return float(f"{middle:.3g}") if min(failed) / best > CLOSE_ENOUGH else None

    def add(self, step: Step) -> None:
        self.steps.append(step)

    @property
    def is_of_client(self) -> bool:
        """Whether it was the client that gave out at the lowest load that did not hold: the gateway may hold more."""
        worst = min((step for step in self.steps if not step.held), key=lambda step: step.at, default=None)
        return worst is not None and not worst.trustworthy

    def document(self) -> dict[str, Any]:
        """`sweep` of a load.json: every step in the order of its load, and the knee, the highest one that held."""
        rows = [
            {self.unit: step.at, "held": step.held, "why": step.why, "trustworthy": step.trustworthy, **step.figures}
            for step in sorted(self.steps, key=lambda step: step.at)
        ]
        knee = self.best.at if self.best else None
        stopped = "the client gave out before the gateway did: more processes may show a higher load"
        return {
            "unit": self.unit,
            "knee": knee,
            "stopped": stopped if self.is_of_client else "",
            "steps": rows,
        }


def judged(unit: str, at: float, document: dict[str, Any]) -> Step:
    """The step that a run at this load was, from its load.json with its SLOs judged."""
    figures = {
        "offered_per_s": at if unit == "rate" else None,
        **{name: document[name] for name in ("requests_per_s", "tokens_per_s", "goodput", "failed", "requests")},
        "ttft_p50_s": document["ttft_s"]["p50"],
        "ttft_p95_s": document["ttft_s"]["p95"],
        "itl_p99_s": document["itl_s"]["p99"],
        "violations": sum(row["count"] for row in document["violations"]),
    }
    trustworthy = document["client"]["trustworthy"]
    reasons = [row["sentence"] for row in document["slo"]["checks"] if not row["held"]]
    if document["violations"]:
        reasons.append(f"violations of {', '.join(row['rule'] for row in document['violations'])}")
    if not document["slo"]["checks"] and document["failed"]:
        reasons.append(f"{document['failed']} of {document['requests']} requests failed")
    left, asked = document["unfinished"] + document["dropped"], document["requests"] + document["unfinished"]
    if unit == "rate" and asked and left > (1 - KEPT_UP) * (asked + document["dropped"]):
        reasons.append(f"{left} of {asked + document['dropped']} requests were not answered in time")
    if not document["requests"]:
        reasons.append("nothing was answered")
    if not trustworthy:
        reasons.append(f"the client was the bottleneck: {document['client']['reasons'][0]}")
    return Step(at, not reasons, "; ".join(reasons), trustworthy, figures)


def _load(text: str, part: str, unit: str) -> float:
    try:
        found = float(part)
    except ValueError:
        found = 0.0
    if not 0 < found <= 1e6 or (unit == "users" and found != int(found)):
        raise ConfigError(f"--sweep {text}: {part!r} is not a number of {unit} above 0, {FORM}")
    return found
