"""Comparisons and the matrix as GitHub's Markdown. What a gateway said is made harmless: no markup, mention or link."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from conformance.comparing.comparison import Comparison, Difference, Section, Tone
from conformance.comparing.matrix import Entry, Speed, area_names
from conformance.exchange import clip
from conformance.target import ConfigError

COMMENT = 65_536
"""GitHub refuses the body of a comment that is longer, in characters (here: in UTF-16's, which are never fewer)."""
BEGIN, END = "<!-- matrix -->", "<!-- /matrix -->"
"""Between these a file's table is replaced."""
_MARKS = {Tone.BAD: "❌", Tone.DOUBT: "⚠️", Tone.GOOD: "✅", Tone.PLAIN: ""}
_CALLED = re.compile(r"([@#]|://|\bwww(?=\.)|\bGH(?=-\d))", re.IGNORECASE)
"""What GitHub makes a mention, a reference or a link of, also where its Markdown is escaped."""
_MARKUP = re.compile(r"([\\`*_\[\]|~])")


def comparison(found: Comparison, before: str, now: str, limit: int = COMMENT) -> str:
    """The comparison in at most `limit` characters; what has no room is counted."""
    head = [
        f"## {_MARKS[found.tone]} {plain(found.verdict)}",
        "",
        f"| | {plain(before)} | {plain(now)} |",
        "|---|---|---|",
    ]
    head += [f"| {plain(fact.name)} | {plain(fact.before)} | {plain(fact.now)} |" for fact in found.facts]
    head += ["", *(f"- {plain(remark)}" for remark in found.remarks)]
    blocks = ["\n".join(head)]
    room = limit - 200 - _length(blocks[0])
    left_out = 0
    for section in found.sections:
        block, missing, used = _section(section, room)
        blocks.append(block)
        room -= used
        left_out += missing
    if left_out:
        blocks.append(f"{left_out} more differences have no room here.")
    return "\n\n".join(blocks) + "\n"


def matrix(entries: Sequence[Entry], link: str) -> str:
    """The matrix as a table, best first, and one of loads if there are any. `link` leads from the file to the
    reports."""
    judged = [entry for entry in entries if entry.run]
    areas = area_names(entries)
    lines = [
        *_table(["gateway", "profile", "date", "MUSTs kept", *areas], (_row(entry, areas, link) for entry in judged))
    ]
    if any(entry.is_outdated for entry in judged):
        lines += ["", "\\* judged by an earlier catalogue: its figures are of other requirements."]
    if any(entry.is_partial for entry in judged):
        lines += ["", "† a part of its profile only, so it stands last."]
    loads = [entry for entry in entries if entry.speed]
    if loads:
        lines += [
            "",
            *_table(
                ["gateway", *Speed.COLUMNS], ([_name(e, link), *map(plain, e.speed.cells())] for e in loads if e.speed)
            ),
        ]
    return "\n".join(lines) + "\n"


def put_into(path: Path, table: str) -> str:
    """The text of a file with this table between its two marks; only the table, if it has none. Raises ConfigError if
    the file can't be read."""
    try:
        old = path.read_text("utf-8") if path.exists() else ""
    except (OSError, ValueError) as error:
        raise ConfigError(f"--output {path}: it can't be read ({getattr(error, 'strerror', None) or error})") from None
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table}{END}{after}" if begin and end else table


def plain(text: str, limit: int = 600) -> str:
    """A text for one line of Markdown, in which nothing is markup, mention, reference or link."""
    line = clip(" ".join(text.split()), limit)
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _CALLED.sub(lambda found: found[1] + "\u200b", _MARKUP.sub(r"\\\1", line))


def _section(section: Section, room: int) -> tuple[str, int, int]:
    """The section as far as there is room, how many of its rows have none, and the room that it takes."""
    title = f"{_MARKS[section.tone]} {plain(section.title)}: {len(section.rows)}".strip()
    opening = f"<details><summary>{title}</summary>\n" if section.is_long else f"### {title}\n"
    lines = [opening, plain(section.meaning), ""]
    used = sum(_length(line) + 1 for line in lines) + 20
    kept = 0
    for row in section.rows:
        block = "\n".join(_difference(row))
        used += _length(block) + 1
        if used > room:
            break
        lines.append(block)
        kept += 1
    closing = "\n\n</details>" if section.is_long else ""
    return "\n".join(lines) + closing, len(section.rows) - kept, used


def _difference(row: Difference) -> Iterator[str]:
    change = plain(row.now) if row.before == row.now else f"{plain(row.before)} → **{plain(row.now)}**"
    yield f"- **{plain(row.name)}** {change}" + (f": {plain(row.about, 300)}" if row.about else "")
    before, now = row.said
    if before and before != now:
        yield f"  - before: {plain(before)}"
    if now:
        yield f"  - {'now' if before != now else 'seen'}: {plain(now)}"


def _row(entry: Entry, areas: Sequence[str], link: str) -> list[str]:
    run = entry.run
    assert run is not None
    marks = ("\\*" if entry.is_outdated else "") + ("†" if entry.is_partial else "")
    shares = run.areas
    cells = [f"{shares[area].kept}/{shares[area].judged}" if area in shares else "" for area in areas]
    musts = f"**{run.musts.percent}** ({run.musts.kept}/{run.musts.judged})"
    return [_name(entry, link) + marks, plain(run.profile), plain(run.day), musts, *cells]


def _name(entry: Entry, link: str) -> str:
    return f"[{plain(entry.title)}]({link}{entry.anchor}/)"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _length(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
