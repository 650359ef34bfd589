"""Comparisons, the matrix and the table of clients as lines of text for a terminal."""

import textwrap
from collections.abc import Iterator, Sequence

from conformance.comparing.clients import ClientRow, Outlook
from conformance.comparing.comparison import Comparison, Difference, Section, Tone
from conformance.exchange import clip

WIDTH = 118
_LISTED = 20
"""So many rows of a section that would be folded are told one by one."""
_COLOURS = {Tone.BAD: "31", Tone.DOUBT: "33", Tone.GOOD: "32", Tone.PLAIN: ""}
_OUTLOOKS = {
    Outlook.WORKS: Tone.GOOD,
    Outlook.PARTLY: Tone.DOUBT,
    Outlook.BREAKS: Tone.BAD,
    Outlook.UNKNOWN: Tone.PLAIN,
}


def comparison(found: Comparison, *, colour: bool = False) -> Iterator[str]:
    """What both documents are, each section, and the verdict last, where a terminal is read first."""
    width = max(len(fact.name) for fact in found.facts)
    for fact in found.facts:
        before, now = clip(fact.before, 100), clip(fact.now, 100)
        yield f"  {fact.name:<{width}}  " + (f"{before} → {now}" if fact.differs else before)
    for remark in found.remarks:
        yield f"note: {remark}"
    for section in found.sections:
        yield ""
        yield from _section(section, colour=colour)
    yield ""
    yield painted(found.verdict, found.tone, colour)


def clients(rows: Sequence[ClientRow], *, colour: bool = False) -> Iterator[str]:
    """A line for each client, then what fails of it and why."""
    width = max(len(row.title) for row in rows)
    for row in rows:
        word = painted(f"{row.outlook.value:<14}", _OUTLOOKS[row.outlook], colour)
        yield f"{row.title:<{width}}  {word} {clip(row.reason, 200)}".rstrip()
        for found in row.lacks:
            yield from _wrapped(f"{found.summary}", indent=4)
            yield from _wrapped(f"{found.need.why} [{row.version}: {found.need.source}]", indent=8)
        missing = dict.fromkeys(id for found in row.unseen for id in found.ids)
        if missing:
            yield from _wrapped(f"not judged: {', '.join(missing)}", indent=4)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table whose first column is of words, the others of figures."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, *rows):
        first = f"{row[0]:<{widths[0]}}"
        yield "  ".join(
            [first, *(f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))]
        ).rstrip()


def painted(text: str, tone: Tone, colour: bool) -> str:
    return f"\x1b[{_COLOURS[tone]}m{text}\x1b[0m" if colour and _COLOURS[tone] else text


def _section(section: Section, *, colour: bool) -> Iterator[str]:
    yield painted(f"{section.title}: {len(section.rows)}", section.tone, colour) + f". {section.meaning}"
    if section.is_long and len(section.rows) > _LISTED:
        yield from _wrapped(", ".join(row.name.partition(" ")[0] for row in section.rows), indent=2, limit=6000)
        return
    for row in section.rows:
        yield from _brief(row) if section.is_long else _difference(row)


def _brief(row: Difference) -> Iterator[str]:
    change = row.now if row.before == row.now else f"{row.before} → {row.now}"
    yield f"  {row.name:<20} {change}: {clip(row.said[1] or row.said[0] or row.about, 140)}"


def _difference(row: Difference) -> Iterator[str]:
    yield f"  {row.name:<20} {row.before} → {row.now}  {clip(row.about, 300)}".rstrip()
    before, now = (clip(said, 600) for said in row.said)
    if before and before != now:
        yield f"      before: {before}"
    if now:
        yield f"      {'now' if before != now else 'seen'}:    {now}"


def _wrapped(text: str, indent: int, limit: int = 1000) -> Iterator[str]:
    pad = " " * indent
    yield from textwrap.wrap(clip(text, limit), WIDTH, initial_indent=pad, subsequent_indent=pad)
