"""Report documents as they are read back: a report.json becomes a Run, or a sentence says why it can't."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance import catalogue
from conformance.catalogue import Level
from conformance.target import ConfigError
from conformance.verdict import Verdict, worst

KEPT = frozenset({Verdict.PASS, Verdict.STALE})
BROKEN = frozenset({Verdict.FAIL, Verdict.KNOWN})
BLIND = frozenset({Verdict.UNTESTABLE, Verdict.ERROR})
"""Red, and yet not judged."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a run says of one requirement. `tests` are the verdicts of single tests by their node ids."""

    id: str
    level: Level
    verdict: Verdict
    statement: str
    message: str
    blame: str
    tests: Mapping[str, Verdict]

    @property
    def area(self) -> str:
        return self.id.rsplit("-", 1)[0]

    @property
    def is_kept(self) -> bool:
        """Whether it holds; a MUST that holds only in the letter is kept, a SHOULD with a warning is not."""
        return self.verdict in KEPT or (self.verdict is Verdict.WARN and self.level is Level.MUST)

    @property
    def is_judged(self) -> bool:
        """Whether it counts for or against the gateway. What can't be tested as the gateway broke before counts
        against it, or whoever breaks early would look the best."""
        if self.verdict is Verdict.UNTESTABLE:
            return self.blame in ("", "gateway")
        return self.verdict in KEPT | BROKEN | {Verdict.WARN}


@dataclass(frozen=True, slots=True)
class Share:
    """How many requirements are kept, of those that were judged."""

    kept: int
    judged: int

    @classmethod
    def of(cls, rows: Iterable[Row]) -> "Share":
        judged = [row for row in rows if row.is_judged]
        return cls(sum(row.is_kept for row in judged), len(judged))

    @property
    def value(self) -> float:
        """From 0 to 1; 0 where nothing was judged."""
        return self.kept / self.judged if self.judged else 0.0

    @property
    def percent(self) -> str:
        """Rounded down, so that 100% is said of nothing less."""
        return f"{int(1000 * self.value) / 10:g}%" if self.judged else "–"

    def __str__(self) -> str:
        return f"{self.kept} of {self.judged}"


@dataclass(frozen=True, slots=True)
class Feature:
    """How a report tells of an optional capability: `claimed` is claimed, auto or off, `state` works, fails, absent or
    not judged."""

    claimed: str
    state: str


@dataclass(frozen=True, slots=True)
class Run:
    """A report document, checked and typed as far as it is compared."""

    base_url: str
    profile: str
    model: str
    version: str
    catalogue: str
    started_at: str
    duration_s: float
    conformant: bool
    cost: Mapping[str, int]
    without: frozenset[str]
    features: Mapping[str, Feature]
    rows: Mapping[str, Row]

    @classmethod
    def of(cls, document: Any) -> "Run":
        """Raises ValueError with what is wrong with the document."""
        try:
            target, made = document["target"], document["gateproof"]
            rows = [_row(row) for row in document["requirements"]]
            return cls(
                base_url=_text(target["base_url"]),
                profile=_text(document["profile"]),
                model=_text(target["model"]),
                version=_text(made["version"]),
                catalogue=_text(made["catalogue_hash"]),
                started_at=_text(document["started_at"]),
                duration_s=float(document["duration_s"]),
                conformant=bool(document["conformant"]),
                cost={name: int(document["cost"][name]) for name in ("requests", "prompt_tokens", "completion_tokens")},
                without=frozenset(map(_text, target.get("without", ()))),
                features={
                    _text(name): Feature(_text(found["claimed"]), _text(found.get("state", "not judged")))
                    for name, found in document.get("features", {}).items()
                },
                rows={row.id: row for row in rows},
            )
        except KeyError as error:
            raise ValueError(f"it has no {error}") from None
        except (TypeError, AttributeError, OverflowError):
            raise ValueError("its members are not of the types that a report has") from None

    @property
    def day(self) -> str:
        return self.started_at[:10]

    @property
    def musts(self) -> Share:
        return Share.of(row for row in self.rows.values() if row.level is Level.MUST)

    @property
    def areas(self) -> dict[str, Share]:
        """The areas of the run in the order of the catalogue, and how much of each is kept."""
        found: dict[str, list[Row]] = {}
        for row in self.rows.values():
            found.setdefault(row.area, []).append(row)
        known = [name for name in catalogue.areas() if name in found]
        return {name: Share.of(found[name]) for name in [*known, *sorted(found.keys() - set(known))]}

    def declines(self, id: str) -> bool:
        """Whether the options of the run left out what this requirement is about."""
        known = catalogue.requirements().get(id)
        if known is None:
            return False
        endpoint = known.endpoint.partition("/")[2]
        off = [name for name in known.features if name in self.features and self.features[name].claimed == "off"]
        return bool(off) or any(endpoint.startswith(name) for name in self.without)


def loaded(path: Path) -> Any:
    """The JSON document in a file. Raises ConfigError."""
    try:
        return json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: it can't be read ({error.strerror})") from None
    except (ValueError, RecursionError):
        raise ConfigError(f"{path}: it is no JSON document") from None


def is_report(document: Any) -> bool:
    """Whether a document means to be a report.json."""
    return isinstance(document, dict) and "requirements" in document and "gateproof" in document


def run_of(path: Path, document: Any) -> Run:
    """The document of a file as a Run. Raises ConfigError."""
    if not is_report(document):
        raise ConfigError(f"{path}: it is no report.json of a check")
    try:
        return Run.of(document)
    except ValueError as error:
        raise ConfigError(f"{path}: it is no report.json that can be read: {error}") from None


def worst_of(tests: Iterable[str], row: Row) -> Verdict:
    """The verdict of a requirement by some of its tests."""
    return worst(row.tests[test] for test in tests)


def _row(row: Mapping[str, Any]) -> Row:
    return Row(
        id=_text(row["id"]),
        level=Level(row["level"]),
        verdict=Verdict(row["verdict"]),
        statement=_text(row["statement"]),
        message=_text(row["message"]),
        blame=_text(row.get("blame", "")),
        tests={_text(test): Verdict(verdict) for test, verdict in row.get("tests", {}).items()},
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
