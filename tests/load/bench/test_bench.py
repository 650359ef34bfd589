"""The bench as a user meets it, with its shortest part; what it measures depends on the machine, that it does not."""

import re
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "load.bench", *words], cwd=ROOT, capture_output=True, text=True, timeout=120
    )


def test_help_names_every_part() -> None:
    said = bench("--help").stdout
    for part in ("paced", "unpaced", "fidelity", "traps", "requests", "tls", "open", "workers"):
        assert re.search(rf"^  {part} +\w", said, re.MULTILINE), part


def test_an_unknown_part_is_told_in_one_line() -> None:
    done = bench("pace")
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("load.bench: no part is called pace;") and done.stderr.count("\n") == 1


@pytest.mark.skipif(not shutil.which("cc"), reason="the server of the bench is in C")
def test_a_single_part_prints_its_rows_and_what_is_left_out() -> None:
    done = bench("requests")
    assert done.returncode == 0, done.stdout + done.stderr
    row = next(line for line in done.stdout.splitlines() if line.startswith("requests"))
    found = re.search(r"gateproof +([\d.]+) +([\d,]+) .* (\d+) us a request of 6 events$", row)
    assert found and float(found[1]) * 6 == pytest.approx(float(found[3]), abs=1)
    assert "left out: guidellm" in done.stdout and "unpaced" not in done.stdout
