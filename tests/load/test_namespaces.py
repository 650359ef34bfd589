"""scripts/namespaces.sh: a master and two workers as on three machines, where this one permits network namespaces."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import schemas
from tests.conftest import ROOT


def permitted() -> bool:
    """Whether this machine lets us make a network namespace."""
    if os.geteuid() or not shutil.which("ip"):
        return False
    name = f"gp-probe-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True).returncode == 0
    return made and subprocess.run(["ip", "netns", "del", name], capture_output=True).returncode == 0


@pytest.mark.skipif(not permitted(), reason="no network namespaces here (root on Linux, and ip)")
def test_two_workers_in_namespaces_of_their_own_measure_for_a_master_in_another(tmp_path: Path) -> None:
    words = ["bash", str(ROOT / "scripts" / "namespaces.sh"), "4", "ip", "address", "show"]
    env = os.environ | {"PYTHON": sys.executable}
    done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads((tmp_path / "load.json").read_text())
    assert schemas.violations("load", document) == []
    assert document["client"]["processes"] == 2 and document["requests"] > 0 and document["failed"] == 0
    assert document["base_url"] == "http://10.77.0.1:8000/v1" and "10.77.2.1/24" in done.stdout
