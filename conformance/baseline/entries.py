"""Reads a baseline: a TOML file of [[known]] entries, which are run and must fail, and [[flaky]] ones, which may."""

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from conformance import catalogue
from conformance.baseline.deviations import Deviation
from conformance.catalogue import UnknownRequirement
from conformance.configuration.options import ConfigError
from conformance.configuration.spelling import did_you_mean

KINDS = ("known", "flaky")
TO_DO = "TODO"
"""How the words begin that --update-baseline writes for a person to replace."""
_KEYS = ("id", "test", "reason", "owner", "link", "expires", "expect")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: of a whole requirement, or of one `test` of it, as the report names it.

    It counts up to and with the day `expires`. With `expect`, a regular expression, it covers only what is seen as it
    says.
    """

    kind: str
    requirement: str
    test: str
    reason: str
    owner: str
    link: str
    expires: date
    expect: str = ""

    @property
    def name(self) -> str:
        return self.test or self.requirement

    def has_expired(self, today: date) -> bool:
        return today > self.expires

    def deviation(self, today: date) -> Deviation:
        """What the entry says, for whoever settles a verdict."""
        who, expired = self.owner or self.link, self.has_expired(today)
        return Deviation(
            f"{self.reason}, {who}" if expired else f"{self.reason} ({self.kind}, {who}, until {self.expires})",
            self.expect,
            always=self.kind == "known",
            of_one_test=bool(self.test),
            source="the baseline",
            expired=self.expires if expired else None,
        )


@dataclass(frozen=True, slots=True)
class Baseline:
    """The entries in their order: the known ones, then the flaky ones. `today` is the day of the judgement, in UTC."""

    file: str = ""
    entries: tuple[Entry, ...] = ()
    today: date = date.min

    def entry(self, requirement: str, node_id: str) -> Entry | None:
        """The entry that a test of a requirement falls under."""
        mine = [entry for entry in self.entries if entry.requirement == requirement]
        return next((entry for entry in mine if entry.test in ("", _file_and_function(node_id))), None)

    def known(self, requirement: str, node_id: str) -> tuple[Deviation, ...]:
        """What is known of a test, as the entry says that it falls under."""
        entry = self.entry(requirement, node_id)
        return (entry.deviation(self.today),) if entry else ()

    def tolerated(self, requirement: str, node_id: str) -> tuple[Deviation, ...]:
        """The same for a client beside the main one, of which an entry need not hold."""
        return tuple(replace(found, always=False) for found in self.known(requirement, node_id) if not found.expired)


def read(path: Path, tests: Callable[[], dict[str, str]], *, draft: bool = False) -> Baseline:
    """The baseline in a file. `tests` tells the requirement of each test, by its name.

    Raises ConfigError for whatever a person must mend, words that --update-baseline left to be replaced among it,
    unless it is read as a `draft`.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"baseline {path}: it can't be read ({error.strerror})") from None
    except ValueError as error:  # neither UTF-8 nor TOML
        raise ConfigError(f"baseline {path}: it can't be read ({error})") from None
    try:
        entries = parsed(content, tests)
    except ValueError as error:
        raise ConfigError(f"baseline {path}: {error}") from None
    unedited = [
        entry for entry in entries if any(text.startswith(TO_DO) for text in (entry.reason, entry.owner, entry.link))
    ]
    if unedited and not draft:
        more = f" and {len(unedited) - 1} more" if len(unedited) > 1 else ""
        raise ConfigError(
            f"baseline {path}: {unedited[0].name}{more}: not reviewed yet; put a reason, and an owner or a link, "
            f"where it says {TO_DO}"
        )
    return Baseline(str(path), entries, datetime.now(UTC).date())


def parsed(content: dict[str, Any], tests: Callable[[], dict[str, str]]) -> tuple[Entry, ...]:
    """The entries of a baseline's content. Raises ValueError, with a sentence."""
    for key in content:
        if key not in KINDS:
            raise ValueError(f"unknown key {key!r}{did_you_mean(key, KINDS)} (its entries are [[known]] and [[flaky]])")
    found: list[Entry] = []
    for kind in KINDS:
        rows = content.get(kind, [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ValueError(f"write each entry as a table [[{kind}]]")
        for number, row in enumerate(rows, 1):
            entry = _entry(kind, row, f"[[{kind}]] number {number}", tests)
            for other in found:
                if other.requirement == entry.requirement and (not other.test or entry.test in ("", other.test)):
                    raise ValueError(f"{entry.name}: {other.name} is listed already; keep one of them")
            found.append(entry)
    return tuple(found)


def _entry(kind: str, row: dict[str, Any], place: str, tests: Callable[[], dict[str, str]]) -> Entry:
    for key, value in row.items():
        if key not in _KEYS:
            raise ValueError(f"{place}: unknown key {key!r}{did_you_mean(key, _KEYS)}")
        if key != "expires" and not isinstance(value, str):
            raise ValueError(f"{place}: {key} must be a text")
    requirement, test = _named(row, place, tests)
    name = test or requirement
    if not row.get("reason", "").strip():
        raise ValueError(f"{name}: the reason is missing: say why it is not kept")
    if not (row.get("owner", "").strip() or row.get("link", "").strip()):
        raise ValueError(f"{name}: an owner or a link is missing: say who sees to it, or where")
    try:
        re.compile(row.get("expect", ""))
    except re.error as error:
        raise ValueError(f"{name}: expect is no regular expression ({error})") from None
    return Entry(
        kind=kind,
        requirement=requirement,
        test=test,
        reason=row["reason"].strip(),
        owner=row.get("owner", "").strip(),
        link=row.get("link", "").strip(),
        expires=_day(row.get("expires"), name),
        expect=row.get("expect", ""),
    )


def _named(row: dict[str, Any], place: str, tests: Callable[[], dict[str, str]]) -> tuple[str, str]:
    """The requirement that an entry is of, and its test, "" for all of them."""
    if ("id" in row) == ("test" in row):
        raise ValueError(f"{place}: name either a requirement (id) or one test of it (test)")
    if "id" in row:
        try:
            return catalogue.requirement(row["id"]).id, ""
        except UnknownRequirement as error:
            raise ValueError(f"{place}: {error}") from None
    test, known = _file_and_function(row["test"]), tests()
    if test not in known:
        raise ValueError(f"{place}: there is no test {row['test']!r}{did_you_mean(test, known)}")
    return known[test], test


def _day(value: Any, name: str) -> date:
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            value = None if value.strip() == "" else value
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    said = "is missing" if value is None else f"is no date: {value}"
    raise ValueError(f"{name}: expires {said}; give the day after which it must be looked at again, as 2026-12-31")


def _file_and_function(node_id: str) -> str:
    """The end of a test's node id, which is the same from wherever pytest is started."""
    return node_id.rsplit("/", 1)[-1]
