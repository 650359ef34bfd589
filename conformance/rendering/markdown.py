"""The report as GitHub's Markdown: a comment of a pull request, or the summary of a step.

Whatever a gateway said stands in a fenced block, where Markdown knows no markup, no mention and no link, or in a block
of HTML with everything escaped that means something to HTML or to GitHub.
"""

import html
import re
from collections.abc import Iterator
from typing import Any

from conformance.comparing.clients import Outlook, clients
from conformance.exchange import clip, escaped
from conformance.rendering.findings import (
    READING_ORDER,
    Finding,
    area,
    counted,
    faults,
    findings,
    headline,
    title,
    told,
)
from conformance.verdict import RED, Verdict

COMMENT = 65_536
"""GitHub refuses the body of a comment that is longer, in characters (here: in UTF-16's, which are never fewer)."""
MAX_SEEN = 1500
MAX_CURL = 2500
MAX_STATEMENT = 400
MAX_NAME = 200
MARK = "<!-- gateproof -->"
"""The first line, so that a job finds the comment that it wrote before."""
MAX_REST = 2000
"""So many characters are kept for the ids of what has no room."""
_COLUMNS = (*READING_ORDER, Verdict.NOT_APPLICABLE)
_LISTED = {
    Verdict.WARN: "Warnings: a SHOULD is broken, or a MUST is kept in a way that costs clients",
    Verdict.KNOWN: "Known: not kept, as it is written down",
    Verdict.INCONCLUSIVE: "Inconclusive: the situation did not arise",
}
_CALLED = re.compile(r"([@#]|://|\bwww(?=\.)|\bGH(?=-\d))", re.IGNORECASE)
"""What GitHub makes a mention, a reference or a link of, also in text that HTML escapes."""
_BREAK = "\u200b"


def render(document: dict[str, Any], limit: int = COMMENT) -> str:
    """The report in at most `limit` characters: what does not fit is counted and named, and stands in report.json."""
    folded = [*_clients(document), *_failures(document), *_lists(document)]
    whole = [*_head(document)]
    room = limit - MAX_REST - _length("\n".join(whole))
    for place, (_, block) in enumerate(folded):
        room -= _length(block) + 1
        if room < 0:
            whole.append(_left_out([id for ids, _ in folded[place:] for id in ids]))
            break
        whole.append(block)
    return "\n".join(whole) + "\n"


def _head(document: dict[str, Any]) -> Iterator[str]:
    target, good = document["target"], document["conformant"]
    yield MARK
    yield f"## {'✅' if good else '❌'} {headline(document)}\n"
    yield f"{counted(document)}\n"
    if whose := faults(document):
        yield f"Of what is not kept or could not be told: {whose}.\n"
    model = f"model {_code(target['model'])}" if target["model"] else "no model"
    suite = document["gateproof"]["version"]
    yield (
        f"{_code(target['base_url'])}, profile {_code(document['profile'])}, {model}, "
        f"{_code(document['started_at'])}, gateproof {_code(suite)}\n"
    )
    if (baseline := document.get("baseline")) and baseline["entries"]:
        kinds = ("known", "stale", "flaky", "expired", "not_run")
        told = ", ".join(f"{baseline[kind]} {kind.replace('_', ' ')}" for kind in kinds if baseline[kind])
        yield f"Baseline {_code(baseline['file'])}: {told or 'nothing covered'}\n"
    yield from _table(document)


def _table(document: dict[str, Any]) -> Iterator[str]:
    """The areas in which something is not simply kept, and how much."""
    odd: dict[str, dict[str, int]] = {}
    for row in document["requirements"]:
        counts = odd.setdefault(area(row["id"]), {})
        counts[row["verdict"]] = counts.get(row["verdict"], 0) + 1
    shown = [verdict for verdict in _COLUMNS if any(verdict.value in counts for counts in odd.values())]
    yield "| area | " + " | ".join(["pass", *shown]) + " |"
    yield "|---|" + "--:|" * (1 + len(shown))
    for name, counts in odd.items():
        cells = " | ".join(str(counts.get(verdict, "·")) for verdict in (Verdict.PASS, *shown))
        yield f"| **{name}** {title(name)} | {cells} |"
    yield ""


def _clients(document: dict[str, Any]) -> Iterator[tuple[list[str], str]]:
    """Which well-known clients will work, unless nothing can be told of any."""
    found = clients(document)
    outlooks = [row.outlook for row in found]
    if set(outlooks) <= {Outlook.UNKNOWN}:
        return
    counts = f"{outlooks.count(Outlook.WORKS)} of {len(outlooks)} work"
    if broken := outlooks.count(Outlook.BREAKS):
        counts += f", {broken} will break"
    lines = [f"<details><summary>Well-known clients: {counts}</summary>\n", "<ul>"]
    lines += [
        f"<li>{_text(row.title)}: <b>{_text(row.outlook)}</b> {_text(clip(row.summary, 300))}</li>" for row in found
    ]
    yield [], "\n".join([*lines, "</ul>\n", "</details>\n"])


def _failures(document: dict[str, Any]) -> Iterator[tuple[list[str], str]]:
    for finding in findings(document, *(verdict for verdict in READING_ORDER if verdict in RED)):
        yield [row["id"] for row in finding.rows], "\n".join(_failure(finding))


def _failure(finding: Finding) -> Iterator[str]:
    """What was expected, what was seen, who breaks, and how to see it oneself; opened by a click."""
    row = finding.rows[0]
    if len(finding.rows) > 1:
        what = f"{len(finding.rows)} requirements can't be judged, for one reason"
    else:
        what = f"{row['id']} ({row['level']}) {_text(clip(row['statement'], MAX_STATEMENT))}"
    yield f"<details><summary><b>{finding.verdict.upper()}</b> {what}</summary>\n"
    yield from _fenced("text", clip(finding.message, MAX_SEEN))
    if finding.blamed:
        yield f"<p><b>Not the gateway:</b> {finding.blamed}</p>\n"
    if len(finding.rows) > 1:
        yield f"<p>{_text(finding.ids)}</p>\n"
    else:
        yield f"<p><b>Who breaks:</b> {_text(told(row, 'breaks'))}<br>"
        yield f"<b>Source:</b> {_text(told(row, 'source'))}</p>\n"
    for evidence in row["evidence"][:1]:
        yield from _fenced("sh", _cut(evidence["curl"]))
    yield "</details>\n"


def _lists(document: dict[str, Any]) -> Iterator[tuple[list[str], str]]:
    """The verdicts that are not red, each folded into one list."""
    for verdict, called in _LISTED.items():
        if found := findings(document, verdict):
            lines = [f"<details><summary>{called} ({len(found)})</summary>\n", "<ul>"]
            for finding in found:
                row, seen = finding.rows[0], _text(clip(finding.message, 300))
                statement = _text(clip(row["statement"], MAX_STATEMENT))
                lines.append(f"<li><b>{row['id']}</b> ({row['level']}) {statement}<br>seen: {seen}</li>")
            yield [finding.ids for finding in found], "\n".join([*lines, "</ul>\n", "</details>\n"])


def _left_out(ids: list[str]) -> str:
    named = ", ".join(ids)
    if len(named) > MAX_REST - 100:
        named = named[: MAX_REST - 100].rpartition(",")[0] + ", …"
    return f"**{len(ids)} more have no room here and stand in report.json:** {named}\n"


def _text(text: str) -> str:
    """A text for one line of HTML, its `code` set as such: nothing else in it is markup, mention, reference or link."""
    line = html.escape(_CALLED.sub(lambda found: found[1] + _BREAK, " ".join(text.split())))
    return re.sub("`([^`]+)`", r"<code>\1</code>", line)


def _code(text: str) -> str:
    """A text as a span of code."""
    text = clip(" ".join(text.split()), MAX_NAME) or " "
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def _fenced(language: str, text: str) -> Iterator[str]:
    """A text as a block of code that nothing in it can end."""
    ticks = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    yield f"{ticks}{language}\n{text}\n{ticks}\n"


def _cut(text: str) -> str:
    return escaped(text if len(text) <= MAX_CURL else text[:MAX_CURL] + "…")


def _length(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
