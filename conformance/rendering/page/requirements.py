"""Requirements as the page shows them, each with as many of its exchanges as there is room for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import escape

from conformance.exchange import clip
from conformance.rendering.findings import Finding, area, told
from conformance.rendering.page.exchanges import Shown, shown
from conformance.verdict import Verdict

ROOM = 2_200_000
"""Characters of HTML for messages, of which half may be these, and for what was sent and received, so that a page stays
below 3 MB."""
MAX_SEEN = 300
MAX_MESSAGE = 2000
_LEVELS = ("MUST", "SHOULD", "MAY")


@dataclass(slots=True)
class Item:
    """A requirement, its verdict, and what there is to say and to show of it. `left_out` counts the exchanges that had
    no room; `place` is its number in the document."""

    place: int
    id: str
    area: str
    level: str
    verdict: str
    statement: str
    seen: str
    facts: list[tuple[str, str]]
    tests: list[tuple[str, str]]
    exchanges: list[Shown] = field(default_factory=list)
    left_out: int = 0


def items(document: dict[str, Any], order: Sequence[Verdict]) -> list[Item]:
    """All requirements, by their verdict in this order, then MUST before SHOULD. First one exchange of each that is
    not kept is shown, then a second and a third, and then those of the kept, until the room is used up."""
    rows = sorted(
        enumerate(document["requirements"]),
        key=lambda found: (order.index(Verdict(found[1]["verdict"])), _LEVELS.index(found[1]["level"]), found[0]),
    )
    found: list[tuple[Item, list[dict[str, Any]]]] = []
    room = ROOM
    for place, row in rows:
        message = clip(row["message"], MAX_MESSAGE if room > ROOM / 2 else MAX_SEEN)
        room -= len(escape(message))
        found.append((_item(place, row, message), row["evidence"]))
    for is_kept in (False, True):
        chosen = [(item, evidence) for item, evidence in found if (item.verdict == Verdict.PASS) is is_kept]
        for number in range(max((len(evidence) for _, evidence in chosen), default=0)):
            for item, evidence in chosen:
                if number < len(evidence):
                    one = shown(evidence[number])
                    room -= one.size
                    if room >= 0:
                        item.exchanges.append(one)
                    else:
                        item.left_out += 1
    return [item for item, _ in found]


def _item(place: int, row: dict[str, Any], message: str) -> Item:
    facts = [
        ("What was seen", message),
        ("Not the gateway", Finding(Verdict(row["verdict"]), message, (row,)).blamed),
        ("Who breaks", told(row, "breaks")),
        ("Source", told(row, "source")),
        ("Baseline", "\n".join(map(_entry, row.get("baseline", [])))),
    ]
    return Item(
        place=place,
        id=row["id"],
        area=area(row["id"]),
        level=row["level"],
        verdict=row["verdict"],
        statement=row["statement"],
        seen=clip(row["message"], MAX_SEEN),
        facts=[(name, said) for name, said in facts if said],
        tests=[(name.rpartition("::")[2] or name, verdict) for name, verdict in row.get("tests", {}).items()],
    )


def _entry(entry: dict[str, Any]) -> str:
    """An entry of the baseline, in a line."""
    who = ", ".join(filter(None, (entry["owner"], entry["link"])))
    until = f"{'expired on' if entry['expired'] else 'until'} {entry['expires']}"
    return f"{entry['kind']} {until}: {entry['reason']}" + (f" ({who})" if who else "")
