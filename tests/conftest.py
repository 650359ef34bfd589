"""What all tests share: a real bundled gateway on a free port, and commands run as a user runs them."""

import os
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reference_gateway.server import running_gateway

KEY = "sk-tests-gateproof.key.0001"
ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

CALLERS = ("GATEPROOF_", "GITHUB_", "PYTEST_")
"""Variables of who runs these tests, which the commands must not obey."""

TABLES = ("tests/conformance/suites/", "tests/reference_gateway/faults/test_faults.py")

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def gateway_url() -> Iterator[str]:
    """The origin of a bundled gateway that requires KEY."""
    with running_gateway(tokens=(KEY,)) as url:
        yield url


@pytest.fixture
def run(tmp_path: Path) -> Command:
    """Runs a command of this environment in an empty folder, without the variables of the caller's that they obey."""

    def run(
        *words: str, env: dict[str, str] | None = None, cwd: Path | None = None, timeout: float = 90
    ) -> "subprocess.CompletedProcess[str]":
        kept = {name: value for name, value in os.environ.items() if not name.startswith(CALLERS)}
        command = [str(BIN / words[0]), *words[1:]]
        return subprocess.run(
            command, cwd=cwd or tmp_path, env=kept | (env or {}), capture_output=True, text=True, timeout=timeout
        )

    return run


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With ROWS=1/N in the environment one row in N of the long tables of defects is run, always the same ones, and the
    first of every table: all of them take longer than a change should wait for (make test-all runs them)."""
    share = int(os.environ.get("ROWS", "1/1").removeprefix("1/"))
    seen: set[str] = set()
    kept, left_out = [], []
    for item in items:
        table = item.nodeid.split("[")[0]
        is_row = "[" in item.nodeid and table.startswith(TABLES)
        chosen = not is_row or table not in seen or zlib.crc32(item.nodeid.encode()) % share == 0
        (kept if chosen else left_out).append(item)
        seen.add(table)
    if left_out:
        items[:] = kept
        config.hook.pytest_deselected(items=left_out)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line that says what was left out, where there is no browser."""
    skipped = [found for found in terminalreporter.stats.get("skipped", []) if "no Chromium" in str(found.longrepr)]
    if skipped:
        reason = str(skipped[0].longrepr[2]).removeprefix("Skipped: ")
        terminalreporter.write_line(f"left out: {len(skipped)} tests of pages in a browser, as there is {reason}")
