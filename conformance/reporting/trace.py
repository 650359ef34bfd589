"""Traceability: for every requirement the tests that judged it and what they said, as reports of real runs tell it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from conformance import catalogue, profiles
from conformance.catalogue import Requirement
from conformance.features import SCRIPTED
from conformance.verdict import Verdict, worst


@dataclass(slots=True)
class Trace:
    """What became of one requirement: the verdict of each test by its node id, in the last report that has it."""

    requirement: Requirement
    tests: dict[str, str] = field(default_factory=dict)
    is_asked: bool = False
    """Whether it is of the profile of one of the reports, and of what stood behind that gateway."""

    @property
    def verdict(self) -> str:
        return str(worst(map(Verdict, self.tests.values()))) if self.tests else ""

    @property
    def is_missing(self) -> bool:
        """Whether neither a test nor a written reason speaks for it, though a profile asks for it."""
        return self.is_asked and not self.tests and not self.requirement.not_judged


def traced(reports: Iterable[dict[str, Any]]) -> tuple[list[Trace], list[str]]:
    """The trace of every requirement over these reports, and a sentence for each id in them that there is not. Raises
    ConfigError for a profile that there is not."""
    found = {id: Trace(requirement) for id, requirement in catalogue.requirements().items()}
    unknown: list[str] = []
    for report in reports:
        profile, has_ours = profiles.profile(report["profile"]), "upstream" in report["target"]
        for trace in found.values():
            needs_ours = SCRIPTED in trace.requirement.features
            trace.is_asked |= profile.applies(trace.requirement) and (has_ours or not needs_ours)
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
            outside = "NEITHER TEST NOR REASON" if trace.is_missing else "outside the profile"
            yield f"{head}{'-':<15}" + (f"not judged: {reason}" if reason else outside)
    missing = [trace.requirement.id for trace in traces if trace.is_missing]
    untested = [trace.requirement for trace in traces if not trace.tests]
    reasons = sum(bool(requirement.not_judged) for requirement in untested)
    yield ""
    yield (
        f"{len(traces)} requirements: {len(traces) - len(untested)} judged, {reasons} with a reason why not, "
        f"{len(untested) - reasons - len(missing)} outside the profile"
    )
    if missing:
        yield f"NEITHER TEST NOR REASON: {', '.join(missing)}"
    yield from unknown
