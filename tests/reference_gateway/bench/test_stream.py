"""The bench of streams: that it ends, and says what it measured. What it measures is a matter of a quiet machine."""

import re
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")


def bench(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "reference_gateway.bench.stream", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=100)


def test_a_small_run_prints_each_figure_of_both_servers_beside_its_goal() -> None:
    done = bench("--seconds", "0.4", "--streams", "4", "--waiting", "40")
    assert done.returncode == 0, done.stderr
    title, *rows = done.stdout.splitlines()
    assert title == "4 streams of 100 events per second; 40 that wait"
    figures = {row[:34].strip(): re.findall(r"[\d,.]+", row[34:]) for row in rows[1:]}
    assert {name: found[1] for name, found in figures.items() if len(found) == 3} == {
        "CPU time per event, us": "18",
        "events per second and core": "55,000",
        "jitter of the gaps, p99, ms": "5",
        "memory per open stream, kB": "10",
    }
    assert all(float(each.replace(",", "")) > 0 for each in figures["events per second, as measured"])


def test_it_says_what_it_is() -> None:
    done = bench("--help")
    assert done.returncode == 0 and "--seconds" in done.stdout and "raw asyncio server" in done.stdout


@pytest.mark.parametrize("words", [("--seconds", "0"), ("--seconds", "nan"), ("--streams", "1"), ("--waiting", "0")])
def test_what_can_not_be_measured_is_refused(words: tuple[str, str]) -> None:
    done = bench(*words)
    assert done.returncode == 2
    assert "too little to measure" in done.stderr.splitlines()[-1]
