"""SLOs such as `ttft_p95 < 300ms`: parsed, held against the figures of a run, and against single requests."""

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from conformance.target import ConfigError
from load.gate.names import FIGURES, NUMBER, SHARE, TIME
from load.metrics import PERCENTILES
from load.result import StreamResult

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
UNITS = {
    TIME: {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6},
    SHARE: {"%": 0.01, "": 1.0},
    NUMBER: {"": 1.0, "/s": 1.0},
}
EXAMPLE = "ttft_p95 < 300ms"
_FORM = re.compile(
    r"(?:(?P<scenario>[\w -]+?)\s*:\s*)?(?P<name>\w+)\s*(?P<sign><=|>=|<|>)\s*(?P<number>\d*\.?\d+(?:e-?\d+)?)\s*"
    r"(?P<unit>%|/s|[a-zµ]*)",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Check:
    """One SLO. `limit` is in seconds, a share from 0 to 1, or a number; `scenario` is "" for the whole run."""

    text: str
    name: str
    sign: str
    limit: float
    scenario: str = ""

    def holds(self, value: float | None) -> bool:
        """What was not measured is not held."""
        return value is not None and COMPARISONS[self.sign](value, self.limit)

    def judged(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """The check as a row of load.json's `slo`."""
        figures = document["scenarios"].get(self.scenario) if self.scenario else document
        value = FIGURES[self.name].read(figures) if figures else None
        held = self.holds(value)
        found = FIGURES[self.name].told(value)
        return {
            "slo": self.text,
            "name": self.name,
            "scenario": self.scenario or None,
            "limit": self.limit,
            "value": value,
            "held": held,
            "sentence": f"{self.text}: {found}" if value is not None else f"{self.text}: nothing was measured",
        }


@dataclass(frozen=True, slots=True)
class Checks:
    """The SLOs of a run. An upper limit of a time is also a limit for each request, which goodput counts."""

    all: tuple[Check, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.all)

    def good(self, scenario: str, result: StreamResult) -> bool:
        """Whether this request is within the limits. Of several limits of one time the loosest counts: that the median
        is below 100 ms and the rest below 300 ms does not ask 100 ms of every request."""
        loosest: dict[str, Check] = {}
        for check in self.all:
            time = check.name.partition("_")[0]
            if check.sign not in ("<", "<=") or check.scenario not in ("", scenario):
                continue
            if time == "itl":
                if result.gaps_s and not _within(check, result.gaps_s):
                    return False
            elif time in ("ttft", "tpot", "e2e") and (time not in loosest or check.limit > loosest[time].limit):
                loosest[time] = check
        return all(_time_holds(check, time, result) for time, check in loosest.items())


def parse(texts: Iterable[str]) -> Checks:
    """SLOs, each text one or several with commas or line breaks between. Raises ConfigError with a sentence."""
    found = [part.strip() for text in texts for part in re.split(r"[,;\n]", text)]
    return Checks(tuple(_parsed(text) for text in found if text))


def _parsed(text: str) -> Check:
    form = _FORM.fullmatch(text)
    if form is None:
        raise ConfigError(f"--slo {text}: it is not of the form of {EXAMPLE}")
    name = form["name"].lower()
    figure = FIGURES.get(name)
    if figure is None:
        near = get_close_matches(name, FIGURES, 1, 0.5) or sorted(FIGURES)[:1]
        raise ConfigError(f"--slo {text}: there is no figure named {name}; did you mean {near[0]}?")
    units = UNITS[figure.kind]
    unit = form["unit"].lower()
    if unit not in units:
        known = " or ".join(known or "no unit" for known in units)
        raise ConfigError(f"--slo {text}: {name} takes {known}, such as {_sample(name, figure.kind)}")
    return Check(text, name, form["sign"], float(form["number"]) * units[unit], (form["scenario"] or "").strip())


def _sample(name: str, kind: str) -> str:
    return {TIME: f"{name} < 300ms", SHARE: f"{name} < 1%", NUMBER: f"{name} > 100"}[kind]


def _within(check: Check, gaps_s: tuple[float, ...]) -> bool:
    """Whether the gaps of one stream hold a limit that is meant for all gaps."""
    statistic = check.name.partition("_")[2]
    if statistic == "mean":
        return check.holds(sum(gaps_s) / len(gaps_s))
    beyond = sum(not check.holds(gap) for gap in gaps_s)
    return beyond <= (1 - PERCENTILES.get(statistic, 1.0)) * len(gaps_s)


def _time_holds(check: Check, time: str, result: StreamResult) -> bool:
    """A time that this kind of request does not have is no miss."""
    if result.left and time != "ttft":
        return True
    value = getattr(result, f"{time}_s")
    return value is None or check.holds(value)
