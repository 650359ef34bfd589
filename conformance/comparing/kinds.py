"""What kinds of documents can be compared: reports of checks, and what other packages bring by an entry point.

An entry point of the group gateproof.comparisons names a module with `recognises(document)` and
`compared(before, now, strict=…)`, for `conformance` must not import the packages that use it.
"""

from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol

from conformance.comparing import reports
from conformance.comparing.comparison import Comparison
from conformance.comparing.documents import is_report, loaded
from conformance.target import ConfigError


class Kind(Protocol):
    """What can be done with the documents of one kind. `compared` raises ValueError for what it can't read."""

    def recognises(self, document: Any) -> bool: ...

    def compared(self, before: Any, now: Any, *, strict: bool = False) -> Comparison: ...


class Reports:
    """The reports of checks."""

    def recognises(self, document: Any) -> bool:
        return is_report(document)

    def compared(self, before: Any, now: Any, *, strict: bool = False) -> Comparison:
        return reports.compared(before, now, strict=strict)


def compared(before: Path, now: Path, *, strict: bool = False) -> Comparison:
    """The comparison of the documents in two files. Raises ConfigError with one line for what can't be compared."""
    documents = loaded(before), loaded(now)
    for kind in _kinds():
        known = [kind.recognises(document) for document in documents]
        if all(known):
            try:
                return kind.compared(*documents, strict=strict)
            except ValueError as error:
                raise ConfigError(f"{before} and {now} can't be compared: {error}") from None
        if any(known):
            raise ConfigError(f"{before} and {now} can't be compared: they are of different kinds")
    raise ConfigError(f"{before}: it is neither a report.json nor another document that can be compared")


def _kinds() -> Iterator[Kind]:
    yield Reports()
    for point in entry_points(group="gateproof.comparisons"):
        yield point.load()
