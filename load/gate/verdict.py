"""What a run comes to: its SLOs judged, and its exit code."""

from collections.abc import Mapping
from typing import Any

from conformance.verdict import Exit
from load.gate.comparison import TOLERANCE, compared
from load.gate.slo import Checks

OF_A_SLOW_CLIENT = frozenset({"timeout", "connect timeout"})
"""Errors that a client which can't keep up makes by itself."""


def judge(
    document: Mapping[str, Any],
    checks: Checks,
    baseline: Mapping[str, Any] | None = None,
    tolerance: float = TOLERANCE,
) -> dict[str, Any]:
    """`slo` of a load.json: the checks, the goodput, and the comparison with `baseline`, an earlier load.json."""
    rows = [check.judged(document) for check in checks.all]
    comparison = compared(document, baseline, tolerance) if baseline is not None else None
    return {
        "checks": rows,
        "goodput": document["goodput"],
        "baseline": comparison,
        "held": all(row["held"] for row in rows) and (comparison is None or comparison["held"]),
    }


def exit_code(document: Mapping[str, Any]) -> Exit:
    """The exit code that a load.json amounts to. A run without a single good answer never ends with 0.

    A violation was seen and stays true however slow the client was. Of the rest, nothing can be believed of a run whose
    client was the bottleneck, unless requests failed in a way that a slow client does not cause. A sweep ends with 0 if
    a load was found that holds.
    """
    if document["client"]["errors"]:
        return Exit.ERROR
    if "sweep" in document:
        return _of_sweep(document)
    if not document["requests"]:
        return Exit.NOTHING_JUDGED
    if document["violations"] or (set(document["errors"]) - OF_A_SLOW_CLIENT and not _failures_allowed(document)):
        return Exit.BROKEN
    if not document["client"]["trustworthy"]:
        return Exit.UNTRUSTWORTHY
    failed = document["failed"] and not _failures_allowed(document)
    return Exit.BROKEN if failed or not document["slo"]["held"] else Exit.CONFORMANT


def _of_sweep(document: Mapping[str, Any]) -> Exit:
    """Loads that did not hold are what a sweep looks for; wrong answers are not, and the client must not have been what
    gave out."""
    sweep = document["sweep"]
    steps = sweep["steps"]
    if not any(step["requests"] for step in steps):
        return Exit.NOTHING_JUDGED
    if any(step["violations"] for step in steps):
        return Exit.BROKEN
    if sweep["stopped"] or not document["client"]["trustworthy"]:
        return Exit.UNTRUSTWORTHY
    return Exit.BROKEN if sweep["knee"] is None else Exit.CONFORMANT


def _failures_allowed(document: Mapping[str, Any]) -> bool:
    """Whether an SLO says how many requests may fail; that all of them fail is never allowed."""
    named = {row["name"] for row in document["slo"]["checks"]}
    return bool(named & {"error_rate", "failed"}) and document["failed"] < document["requests"]
