"""SLOs and the comparison with an earlier run: what decides whether figures are good enough."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.verdict import Exit
from load.result import StreamResult


@dataclass(frozen=True, slots=True)
class Checks:
    """The SLOs of a run."""

    texts: tuple[str, ...] = ()

    def good(self, result: StreamResult) -> bool:
        return True


def parse(texts: Sequence[str]) -> Checks:
    return Checks(tuple(texts))


def judge(document: Mapping[str, Any], checks: Checks, baseline: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"checks": [], "goodput": document["goodput"], "held": True, "baseline": None}


def exit_code(document: Mapping[str, Any]) -> Exit:
    """The exit code that a load.json amounts to. A run without a single good answer never ends with 0."""
    if document["client"]["errors"]:
        return Exit.ERROR
    if not document["requests"]:
        return Exit.NOTHING_JUDGED
    return Exit.BROKEN if document["failed"] else Exit.CONFORMANT
