"""A run beside an earlier one: what became worse by more than a tolerance."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from load.gate.names import FIGURES

TOLERANCE = 0.10
"""A figure may be worse than before by this share."""


@dataclass(frozen=True, slots=True)
class _Compared:
    """`noise` is the difference, in the figure's own unit, that is never told from chance."""

    name: str
    noise: float
    higher_is_better: bool = False


COMPARED = (
    _Compared("ttft_p50", 0.001),
    _Compared("ttft_p95", 0.002),
    _Compared("itl_p50", 0.0005),
    _Compared("itl_p99", 0.002),
    _Compared("tpot_p50", 0.0005),
    _Compared("e2e_p50", 0.002),
    _Compared("e2e_p95", 0.005),
    _Compared("error_rate", 0.001),
    _Compared("stalls", 1),
    _Compared("violations", 0),
    _Compared("tokens_per_event", 0.05),
    _Compared("requests_per_s", 0.1, higher_is_better=True),
    _Compared("events_per_s", 1, higher_is_better=True),
    _Compared("tokens_per_s", 1, higher_is_better=True),
)
_SAME = ("model", "profile", "max_tokens", "arrivals")


def compared(document: Mapping[str, Any], baseline: Mapping[str, Any], tolerance: float = TOLERANCE) -> dict[str, Any]:
    """The comparison as in load.json. Runs of different loads are not compared, and that is not held either."""
    differences = differing(document, baseline)
    rows = [] if differences else [_row(item, document, baseline, tolerance) for item in COMPARED]
    return {
        "tolerance": tolerance,
        "comparable": not differences,
        "differences": differences,
        "figures": rows,
        "held": not differences and not any(row["regressed"] for row in rows),
    }


def differing(document: Mapping[str, Any], baseline: Mapping[str, Any]) -> list[str]:
    """One sentence for everything that makes two runs different tests."""
    found = [
        f"{name.replace('_', ' ')} was {_told(baseline.get(name))} and is {_told(document.get(name))}"
        for name in _SAME
        if baseline.get(name) != document.get(name)
    ]
    if set(baseline.get("scenarios", {})) != set(document["scenarios"]):
        found.append(f"the scenarios were {_list(baseline)} and are {_list(document)}")
    if not baseline.get("client", {}).get("trustworthy", True):
        found.append("the earlier run was itself not to be trusted: its client was the bottleneck")
    return found


def _row(item: _Compared, document: Mapping[str, Any], baseline: Mapping[str, Any], tolerance: float) -> dict[str, Any]:
    figure = FIGURES[item.name]
    then, now = figure.read(baseline), figure.read(document)
    worse = 0.0
    if then is not None and now is not None:
        worse = then - now if item.higher_is_better else now - then
    regressed = (then is not None and now is None) or worse > max(item.noise, tolerance * abs(then or 0.0))
    return {
        "name": item.name,
        "then": then,
        "now": now,
        "change": round((now - then) / then, 4) if then and now is not None else None,
        "regressed": regressed,
        "sentence": f"{item.name}: {figure.told(now)}, was {figure.told(then)}",
    }


def _told(value: Any) -> str:
    """A model, a cap, or arrivals: "closed with 5 users", "poisson at 20/s"."""
    if not isinstance(value, dict):
        return "none" if value is None else f"{value}"
    return value.get("text") or f"{value.get('kind')} with {value.get('users')} users"


def _list(document: Mapping[str, Any]) -> str:
    return ", ".join(sorted(document.get("scenarios", {}))) or "none"
