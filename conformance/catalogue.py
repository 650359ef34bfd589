"""The requirements, as data: reads catalogue/*.toml. Knows nothing of tests, profiles or verdicts."""

import hashlib
import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from importlib.resources import files

from conformance.configuration.spelling import did_you_mean


class Level(StrEnum):
    """How much a requirement binds: breaking a MUST fails the run, a SHOULD or MAY warns."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One testable sentence about a gateway.

    `statement` is what must hold, `test` how it is judged from outside, `source` where the rule comes from, `breaks`
    who suffers when it does not hold. `features` must all be offered for it to apply. `endpoint` is relative to the
    base URL.
    `implies` lists requirements that are broken, too, whenever this one is. `not_judged` says why no test can judge it
    from outside, "" if one does.
    """

    id: str
    level: Level
    statement: str
    test: str
    source: str
    breaks: str
    area: str
    endpoint: str = ""
    features: tuple[str, ...] = ()
    implies: tuple[str, ...] = ()
    not_judged: str = ""


@dataclass(frozen=True, slots=True)
class Area:
    """A group of requirements, such as STREAM, with its title."""

    name: str
    title: str


class UnknownRequirement(LookupError):
    """There is no requirement of this id; the message names the nearest ones."""


@cache
def areas() -> dict[str, Area]:
    return {area.name: area for area, _ in _read()}


@cache
def requirements() -> dict[str, Requirement]:
    """All requirements by id, in the order of the areas and of their numbers."""
    return {found.id: found for _, group in _read() for found in group}


def requirement(id: str) -> Requirement:
    """The requirement of this id. Raises UnknownRequirement."""
    try:
        return requirements()[id.upper()]
    except KeyError:
        near = _nearest(id.upper())
        hint = f"; the nearest are {', '.join(near)}" if near else f" (areas: {', '.join(areas())})"
        raise UnknownRequirement(f"there is no requirement {id!r}{hint}") from None


def _nearest(id: str) -> list[str]:
    """Up to three ids that may have been meant: CHAT-018 for CHAT-18 or CHAT18 first of all."""
    area, number = id.rstrip("0123456789").rstrip("-"), id[len(id.rstrip("0123456789")) :]
    padded = f"{area}-{number[-3:].zfill(3)}"
    similar = get_close_matches(id, requirements(), n=3, cutoff=0.5)
    return list(dict.fromkeys([padded] * (padded in requirements()) + similar))[:3]


def select(words: tuple[str, ...]) -> set[str]:
    """The ids that these ids and area names stand for. Raises UnknownRequirement."""
    chosen: set[str] = set()
    for word in words:
        if word.upper() in areas():
            chosen |= {found.id for found in requirements().values() if found.area == word.upper()}
        elif word.isalpha() and (hint := did_you_mean(word.upper(), areas())):
            raise UnknownRequirement(f"there is no area {word!r}{hint}")
        else:
            chosen.add(requirement(word).id)
    return chosen


@cache
def fingerprint() -> str:
    """A short hash of the whole catalogue, so that two reports can be known to rest on the same rules."""
    text = "\n".join(repr(found) for found in requirements().values())
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def _read() -> list[tuple[Area, list[Requirement]]]:
    found = []
    folder = files("conformance") / "catalogue"
    for file in folder.iterdir():
        if file.name.endswith(".toml"):
            content = tomllib.loads(file.read_text("utf-8"))
            area = Area(content["area"], content["title"])
            rows = [
                Requirement(
                    id=id,
                    level=Level(row["level"]),
                    statement=row["statement"],
                    test=row["test"],
                    source=row["source"],
                    breaks=row["breaks"],
                    area=area.name,
                    endpoint=row.get("endpoint", ""),
                    features=tuple(row.get("features", ())),
                    implies=tuple(row.get("implies", ())),
                    not_judged=row.get("not_judged", ""),
                )
                for id, row in content["requirement"].items()
            ]
            found.append((content["order"], area, rows))
    return [(area, rows) for _, area, rows in sorted(found, key=lambda item: item[0])]
