"""What every renderer says of a report document in the same words: verdict, counts, and the findings in the order in
which a person reads them."""

import math
from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from conformance import catalogue
from conformance.verdict import RED, Verdict

Row = dict[str, Any]
"""A requirement of the document."""

READING_ORDER = (
    Verdict.FAIL,
    Verdict.ERROR,
    Verdict.STALE,
    Verdict.UNTESTABLE,
    Verdict.WARN,
    Verdict.INCONCLUSIVE,
    Verdict.KNOWN,
)
"""What is not simply kept, what matters most first."""
_LEVELS = ("MUST", "SHOULD", "MAY")
_OPEN = {*READING_ORDER} - {Verdict.KNOWN}
_WHOSE = {
    "gateway": "the gateway's",
    "model": "of the model behind it",
    "network": "the network's",
    "suite": "gateproof's own",
    "": "nobody's for sure",
}
_WHO = {"model": "the model behind the gateway", "network": "the network", "suite": "gateproof itself"}


@dataclass(frozen=True, slots=True)
class Tally:
    """How many requirements are in the run, could be judged, are kept, are red."""

    total: int
    judged: int
    kept: int
    red: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Requirements that are not kept, for one reason: one of them, or all that can't be judged for the same cause."""

    verdict: Verdict
    message: str
    rows: tuple[Row, ...]

    @property
    def ids(self) -> str:
        return ", ".join(row["id"] for row in self.rows)

    @property
    def is_red(self) -> bool:
        return self.verdict in RED

    @property
    def blamed(self) -> str:
        """Who is at fault, where it is not the gateway."""
        return _WHO.get(self.rows[0].get("blame", ""), "")


def tally(document: dict[str, Any]) -> Tally:
    """The counts of a document. Kept is what passed; inconclusive and not applicable are not judged."""
    count = {verdict: int(document["summary"][verdict.value]) for verdict in Verdict}
    total = sum(count.values())
    judged = total - count[Verdict.INCONCLUSIVE] - count[Verdict.NOT_APPLICABLE]
    return Tally(total, judged, count[Verdict.PASS], sum(count[verdict] for verdict in RED))


def headline(document: dict[str, Any]) -> str:
    """The verdict of the run in one line."""
    counts = tally(document)
    if counts.red:
        are = "requirement is" if counts.total == 1 else "requirements are"
        return f"NOT conformant: {counts.red} of {counts.total} {are} broken or can't be judged"
    judged = document["summary"].get("judged", {"enough": True})
    if not judged["enough"]:
        share, least = (math.floor(1000 * judged[name]) / 10 for name in ("share", "least"))
        return f"NOT conformant: too little was judged, {share}% of the MUSTs where {least}% is asked for"
    if not document["conformant"]:
        return "nothing was judged"
    return f"conformant: {counts.kept} of {counts.judged} judged requirements are kept"


def counted(document: dict[str, Any]) -> str:
    """The counts of the verdicts that there are, in words."""
    summary = document["summary"]
    return ", ".join(f"{summary[verdict.value]} {verdict}" for verdict in Verdict if summary[verdict.value])


def faults(document: dict[str, Any]) -> str:
    """Whose doing it is what is not kept and what could not be told, with counts; "" where there is nothing of it."""
    rows = [row for row in document["requirements"] if row["verdict"] in _OPEN]
    count = Counter(row.get("blame", "") for row in rows)
    return ", ".join(f"{count[who]} {whose}" for who, whose in _WHOSE.items() if count[who])


def findings(document: dict[str, Any], *verdicts: Verdict) -> list[Finding]:
    """What is not kept, in reading order; only of these verdicts, where some are named. What can't be judged for one
    and the same reason is one finding."""
    found: list[Finding] = []
    for verdict in verdicts or READING_ORDER:
        rows = [row for row in document["requirements"] if row["verdict"] == verdict]
        rows.sort(key=lambda row: _LEVELS.index(row["level"]))
        if verdict is Verdict.UNTESTABLE:
            rows.sort(key=lambda row: str(row["message"]))
            groups = [tuple(group) for _, group in groupby(rows, key=lambda row: row["message"])]
            found += [Finding(verdict, group[0]["message"], group) for group in groups]
        else:
            found += [Finding(verdict, row["message"], (row,)) for row in rows]
    return found


def area(id: str) -> str:
    """The area that a requirement's id names."""
    return id.rsplit("-", 1)[0]


def title(name: str) -> str:
    """What an area is about; "" for one that this catalogue does not have."""
    known = catalogue.areas().get(name)
    return known.title if known else ""


def about(id: str) -> catalogue.Requirement | None:
    """The catalogue's entry of a requirement; None for one of another catalogue than ours."""
    return catalogue.requirements().get(id)


def told(row: Row, what: str) -> str:
    """What the document says of a requirement, or else the catalogue: its `source`, or who `breaks`."""
    return str(row.get(what) or getattr(about(row["id"]), what, "not told"))
