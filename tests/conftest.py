"""What all tests share: a real bundled gateway on a free port, and commands run as a user runs them."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reference_gateway.server import running_gateway

KEY = "sk-tests-gateproof.key.0001"
ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def gateway_url() -> Iterator[str]:
    """The origin of a bundled gateway that requires KEY."""
    with running_gateway(tokens=(KEY,)) as url:
        yield url


@pytest.fixture
def run(tmp_path: Path) -> Command:
    """Runs a command of this environment in an empty folder, without GATEPROOF_ variables of the caller's."""

    def run(
        *words: str, env: dict[str, str] | None = None, cwd: Path | None = None, timeout: float = 90
    ) -> "subprocess.CompletedProcess[str]":
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GATEPROOF_", "PYTEST_"))}
        command = [str(BIN / words[0]), *words[1:]]
        return subprocess.run(
            command, cwd=cwd or tmp_path, env=kept | (env or {}), capture_output=True, text=True, timeout=timeout
        )

    return run
