"""Traceability: for every requirement the tests that judged it and what they said, as reports of real runs tell it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from conformance import catalogue
from conformance.catalogue import Requirement
from conformance.verdict import Verdict, worst


@dataclass(slots=True)
class Trace:
    """What became of one requirement: the verdict of each test by its node id, in the last report that has it."""

    requirement: Requirement
    tests: dict[str, str] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        return str(worst(map(Verdict, self.tests.values()))) if self.tests else ""

    @property
    def is_missing(self) -> bool:
        """Whether neither a test nor a written reason speaks for it."""
        return not self.tests and not self.requirement.not_judged


def traced(reports: Iterable[dict[str, Any]]) -> tuple[list[Trace], list[str]]:
    """The trace of every requirement over these reports, and a sentence for each id in them that there is not."""
    found = {id: Trace(requirement) for id, requirement in catalogue.requirements().items()}
    unknown: list[str] = []
    for report in reports:
        for row in report["requirements"]:
            if row["id"] in found:
                found[row["id"]].tests |= row["tests"]
            else:
                tests = ", ".join(row["tests"]) or "a test"
                unknown.append(f"{tests} cites {row['id']}, which is not in the catalogue")
    return list(found.values()), unknown


def lines(traces: list[Trace], unknown: list[str]) -> Iterator[str]:
    """A line for each requirement, then what is wrong."""
    for trace in traces:
        head = f"{trace.requirement.id:<11}{trace.requirement.level:<7}"
        if trace.tests:
            yield f"{head}{trace.verdict:<15}{'  '.join(trace.tests)}"
        else:
            reason = trace.requirement.not_judged
            yield f"{head}{'-':<15}" + (f"not judged: {reason}" if reason else "NEITHER TEST NOR REASON")
    missing = [trace.requirement.id for trace in traces if trace.is_missing]
    judged = sum(bool(trace.tests) for trace in traces)
    yield ""
    yield f"{len(traces)} requirements: {judged} judged, {len(traces) - judged - len(missing)} with a reason why not"
    if missing:
        yield f"NEITHER TEST NOR REASON: {', '.join(missing)}"
    yield from unknown
