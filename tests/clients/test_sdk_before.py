"""The SDK's major version before the one that we depend on: every requirement of SDK holds for it, too, on each of the
bundled gateway's dialects."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import BASES, KEY

PYTHON = os.environ.get("SDK_PYTHON", "")
needed = pytest.mark.skipif(not PYTHON, reason="an interpreter with another SDK is not named: make test-sdk")


@needed
@pytest.mark.parametrize("profile", BASES)
def test_it_holds_for_the_version_before(gateway_url: str, tmp_path: Path, profile: str) -> None:
    command = [str(Path(sys.executable).parent / "gateproof"), "check", gateway_url + BASES[profile]]
    command += ["--profile", profile, "--only", "SDK", "--sdk-python", PYTHON, "--output", str(tmp_path)]
    env = {**os.environ, "GATEPROOF_API_KEY": KEY}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    (client,) = json.loads((tmp_path / "report.json").read_text())["clients"]
    assert client["version"].startswith("2.")
    assert {row["verdict"] for row in client["requirements"]} == {"pass", "not-applicable"}, done.stdout
