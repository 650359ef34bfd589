"""GitHub annotations: workflow commands for standard output, one a line. GitHub shows ten errors and ten warnings of a
step, the first ones, so what matters most comes first and the tenth stands for all that follow.

Source: GitHub's documentation of workflow commands, and the runner's own parser (src/Runner.Common/ActionCommand.cs).
"""

from typing import Any

from conformance.exchange import clip
from conformance.rendering.findings import Finding, findings
from conformance.verdict import RED, Verdict

SHOWN = 10
"""So many of a kind are shown by GitHub for one step."""
MAX_MESSAGE = 1500
MAX_IDS = 1000


def render(document: dict[str, Any]) -> str:
    """The commands; nothing for a run without anything red and without warnings."""
    found = findings(document)
    lines = _commands("error", [finding for finding in found if finding.verdict in RED])
    lines += _commands("warning", [finding for finding in found if finding.verdict is Verdict.WARN])
    return "".join(f"{line}\n" for line in lines)


def command(kind: str, title: str, message: str) -> str:
    """One workflow command. Nothing in title or message can end it or begin another."""
    name = title
    for character, coded in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"), (":", "%3A"), (",", "%2C")):
        name = name.replace(character, coded)
    said = message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return f"::{kind} title={name}::{said}"


def _commands(kind: str, found: list[Finding]) -> list[str]:
    shown = found if len(found) <= SHOWN else found[: SHOWN - 1]
    lines = [command(kind, _title(finding), _message(finding)) for finding in shown]
    if rest := found[len(shown) :]:
        ids = ", ".join(finding.ids for finding in rest)
        count = sum(len(finding.rows) for finding in rest)
        lines.append(command(kind, f"{count} more", f"Also {kind}s: {clip(ids, MAX_IDS)}"))
    return lines


def _title(finding: Finding) -> str:
    row = finding.rows[0]
    if len(finding.rows) > 1:
        return f"{len(finding.rows)} requirements {finding.verdict}"
    return f"{row['id']} {finding.verdict} ({row['level']})"


def _message(finding: Finding) -> str:
    row = finding.rows[0]
    says = finding.ids if len(finding.rows) > 1 else row["statement"]
    lines = [clip(says, MAX_IDS), f"seen: {clip(finding.message, MAX_MESSAGE)}"]
    if finding.blamed:
        lines.append(f"not the gateway: {finding.blamed}")
    return "\n".join(lines)
