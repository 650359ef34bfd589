"""What a run says on GitHub Actions beside what it says everywhere: annotations, and the summary of the step.

Source: GitHub's documentation of workflow commands ("Stopping and starting workflow commands", "Adding a job summary").
"""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from conformance import rendering
from conformance.rendering import markdown

SUMMARY_BYTES = 1024 * 1024
"""GitHub refuses a step's whole summary that is larger."""
MOST_BYTES = 3
"""One of UTF-16's units is so many bytes of UTF-8 at the most."""


def is_here() -> bool:
    """Whether we are run by GitHub Actions."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


@contextmanager
def muted(say: Callable[[str], None]) -> Iterator[None]:
    """What is said meanwhile is obeyed by no runner: a gateway's words are among it, and `##[add-mask]` is a command
    anywhere in a line."""
    if not is_here():
        yield
        return
    token = secrets.token_hex(16)
    say(f"::stop-commands::{token}")
    try:
        yield
    finally:
        say(f"::{token}::")


def tell(document: dict[str, Any], say: Callable[[str], None]) -> list[str]:
    """Says the annotations and adds to the summary of the step. Returns a sentence for each fault of ours."""
    said, faults = rendering.rendered(document, ["annotations"])
    for line in said.get("annotations", "").splitlines():
        say(line)
    try:
        _summarise(document)
    except Exception as error:  # noqa: BLE001 - it comes after the verdict, which no summary may change
        faults.append(f"there is no step summary, a fault of gateproof's own ({type(error).__name__}: {error})")
    return faults


class Subscriber:
    """Tells GitHub Actions of a run that pytest itself was started for."""

    def pytest_gateproof_report(self, report: dict[str, Any], config: pytest.Config) -> list[str]:
        terminal: Any = config.pluginmanager.get_plugin("terminalreporter")
        terminal.write_line("")  # a command begins a line, and pytest's progress has not ended its own
        return tell(report, terminal.write_line)


def _summarise(document: dict[str, Any]) -> None:
    if not (name := os.environ.get("GITHUB_STEP_SUMMARY")):
        return
    path = Path(name)
    room = SUMMARY_BYTES - (path.stat().st_size if path.exists() else 0)
    text = "\n" + markdown.render(document, limit=room // MOST_BYTES)
    if len(text.encode("utf-8", "replace")) <= room:
        with path.open("a", encoding="utf-8", errors="replace") as summary:
            summary.write(text)
