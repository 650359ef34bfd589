"""Which well-known clients will work with a gateway, as far as that follows from the verdicts of a report.

What a client relies on is data, in clients.toml: requirement ids, with the reason and the place in the client's own
source where it is to be seen.
"""

import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

from conformance.catalogue import Level
from conformance.comparing.documents import BROKEN, Row, Run
from conformance.verdict import Verdict

_CUT = re.compile(r"\(and \d+ more\)")
"""Ends a message that does not tell all that was seen."""


class Outlook(StrEnum):
    """Whether a client will work."""

    WORKS = "works"
    PARTLY = "works, but"
    BREAKS = "breaks"
    UNKNOWN = "can't be told"


class Standing(StrEnum):
    """What became of one need. `ABSENT` is a feature that the gateway cleanly refuses."""

    MET = "met"
    ODD = "kept in the letter"
    BROKEN = "broken"
    ABSENT = "not offered"
    UNKNOWN = "not judged"


@dataclass(frozen=True, slots=True)
class Need:
    """What a client can't do without, for one use: requirement ids, why, and where that stands.

    Where it is not `essential`, only this use fails without it. `seen` is a pattern for what must have been seen of a
    broken requirement for this client to be hurt; with `refusal_only` only a refused feature hurts.
    """

    use: str
    ids: tuple[str, ...]
    why: str
    source: str
    essential: bool = True
    seen: str = ""
    refusal_only: bool = False

    def standing(self, row: Row | None) -> Standing:
        """How one requirement of this need stands."""
        if row is None:
            return Standing.UNKNOWN
        if row.verdict is Verdict.NOT_APPLICABLE:
            return Standing.ABSENT
        if row.verdict in BROKEN | {Verdict.WARN}:
            weak = row.verdict is Verdict.WARN and row.level is Level.MUST
            return self._hurt(row, Standing.ODD if weak else Standing.BROKEN)
        return Standing.MET if row.is_kept else Standing.UNKNOWN

    def _hurt(self, row: Row, standing: Standing) -> Standing:
        if self.refusal_only:
            return Standing.MET
        if re.search(self.seen, row.message):
            return standing
        return Standing.UNKNOWN if _CUT.search(row.message) else Standing.MET


@dataclass(frozen=True, slots=True)
class Client:
    """A well-known client, at the version whose source was read. `profiles` are the only dialects that it speaks, all
    if there are none."""

    name: str
    title: str
    version: str
    profiles: tuple[str, ...]
    needs: tuple[Need, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A need, how it stands, and the requirements that make it so, with their verdicts; none where it is met."""

    need: Need
    standing: Standing
    rows: tuple[Row, ...] = ()
    unseen: tuple[str, ...] = ()
    """Requirements that were not judged, or are not in the run."""

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(row.id for row in self.rows) or self.unseen

    @property
    def summary(self) -> str:
        said = f"{self.need.use}: {', '.join(self.ids)}"
        return said if self.standing is Standing.BROKEN else f"{said} ({self.standing})"


@dataclass(frozen=True, slots=True)
class ClientRow:
    """How one client will fare, and the needs that are not met."""

    name: str
    title: str
    version: str
    outlook: Outlook
    found: tuple[Found, ...]
    reason: str = ""
    """Why nothing can be told, where that is no need's doing."""

    @property
    def lacks(self) -> tuple[Found, ...]:
        """What is known not to work, essential needs first."""
        known = [found for found in self.found if found.standing not in (Standing.MET, Standing.UNKNOWN)]
        return tuple(sorted(known, key=lambda found: not found.need.essential))

    @property
    def unseen(self) -> tuple[Found, ...]:
        return tuple(found for found in self.found if found.standing is Standing.UNKNOWN)

    @property
    def summary(self) -> str:
        """The failing uses with their ids in one line, or why nothing can be told; "" where there is nothing to say."""
        if self.outlook is Outlook.UNKNOWN and not self.reason:
            missing = dict.fromkeys(id for found in self.unseen if found.need.essential for id in found.ids)
            return f"not judged: {', '.join(missing)}"
        return self.reason or "; ".join(found.summary for found in self.lacks)


@cache
def known_clients() -> tuple[Client, ...]:
    """The clients in the order of clients.toml."""
    content = tomllib.loads((files("conformance") / "comparing" / "clients.toml").read_text("utf-8"))
    return tuple(
        Client(
            name=name,
            title=row["title"],
            version=row["version"],
            profiles=tuple(row.get("profiles", ())),
            needs=tuple(Need(**(need | {"ids": tuple(need["ids"].split())})) for need in row["needs"]),
        )
        for name, row in content.items()
    )


def clients(document: Any) -> list[ClientRow]:
    """How each known client will fare with the gateway of this report. Raises ValueError where it is no report."""
    run = Run.of(document)
    return [_fares(client, run) for client in known_clients()]


def _fares(client: Client, run: Run) -> ClientRow:
    if client.profiles and run.profile not in client.profiles:
        reason = f"it speaks {' and '.join(client.profiles)} only, and the run judged {run.profile}"
        return ClientRow(client.name, client.title, client.version, Outlook.UNKNOWN, (), reason)
    found = tuple(_found(need, run) for need in client.needs)
    return ClientRow(client.name, client.title, client.version, _outlook(found), found)


def _outlook(found: tuple[Found, ...]) -> Outlook:
    essential = {each.standing for each in found if each.need.essential}
    standings = {each.standing for each in found}
    if essential & {Standing.BROKEN, Standing.ABSENT}:
        return Outlook.BREAKS
    if Standing.UNKNOWN in essential:
        return Outlook.UNKNOWN
    return Outlook.PARTLY if standings & {Standing.BROKEN, Standing.ABSENT, Standing.ODD} else Outlook.WORKS


def _found(need: Need, run: Run) -> Found:
    """The worst of what became of the need's requirements, with those that are so."""
    by_standing: dict[Standing, list[str]] = {}
    for id in need.ids:
        by_standing.setdefault(need.standing(run.rows.get(id)), []).append(id)
    for standing in (Standing.BROKEN, Standing.ABSENT):
        if ids := by_standing.get(standing):
            return Found(need, standing, tuple(run.rows[id] for id in ids))
    if ids := by_standing.get(Standing.UNKNOWN):
        return Found(need, Standing.UNKNOWN, unseen=tuple(ids))
    if ids := by_standing.get(Standing.ODD):
        return Found(need, Standing.ODD, tuple(run.rows[id] for id in ids))
    return Found(need, Standing.MET)
