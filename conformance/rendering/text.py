"""The report as `gateproof check` prints it on a terminal, without its colours."""

from typing import Any

from conformance.exchange import escaped
from conformance.reporting import terminal


def render(document: dict[str, Any]) -> str:
    """The lines of the terminal, each ended."""
    return "".join(f"{escaped(line)}\n" for line in terminal.lines(document))
