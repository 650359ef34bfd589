"""The kill matrix, on a sample: the command, its figures, its page and its exit code."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ROOT / "scripts"
EXACT = ("stream-without-done", "chat-without-object", "length-too-large", "list-null-when-empty")


def matrix(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(SCRIPTS / "kill_matrix.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=ROOT)


def figures(said: str) -> dict[str, int]:
    lines = [line.rsplit(None, 1) for line in said.splitlines()]
    return {words[0].strip(): int(words[1]) for words in lines if len(words) == 2 and words[1].isdigit()}


def test_some_defects_in_all_layers_and_dialects_turn_red_what_they_should_and_nothing_else() -> None:
    done = matrix(*(word for name in EXACT for word in ("--fault", name)))
    found = figures(done.stdout)
    assert (found["defects"], found["detected"], found["exact"]) == (4, 4, 4), done.stdout
    assert (found["collateral"], found["missed"], found["red of the correct gateway"]) == (0, 0, 0), done.stdout
    assert done.returncode == 0


def test_a_sample_of_all_defects_is_detected() -> None:
    """Drawn anew by each version of the tables; only the areas that a defect breaks are sent and judged."""
    done = matrix("--sample", "5", "--seed", "7", "--only-affected")
    assert figures(done.stdout)["detected"] == 5, done.stdout


def test_what_harms_nobody_turns_nothing_red() -> None:
    done = matrix("--harmless", "--sample", "3", "--seed", "7")
    found = figures(done.stdout)
    assert (found["harmless variations"], found["false alarms"]) == (3, 0), done.stdout
    assert done.returncode == 0


def test_an_unknown_defect_is_one_line() -> None:
    done = matrix("--fault", "nonsense")
    assert (done.returncode, done.stderr) == (1, "kill_matrix: there is no defect nonsense\n")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("kill_matrix_page", SCRIPTS / "kill_matrix_page.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_shows_every_defect_and_nothing_that_a_gateway_said_becomes_markup(script: ModuleType) -> None:
    row: dict[str, Any] = {
        "name": "some-defect", "area": "listing", "profile": "openai", "suffers": "Users <b>suffer</b>.",
        "seen": "constructed", "layer": "ASGI", "breaks": ["LIST-001"], "detected": True, "exact": False,
        "red": {"LIST-001": "fail: <script>alert(1)</script>"}, "missed": [], "collateral": [], "untestable": [],
    }  # fmt: skip
    varied = {"name": "one & all", "red": {"CHAT-001": "fail: <script>alert(2)</script>"}, "untestable": [], "may": []}
    figure_names = json.loads(json.dumps(dict.fromkeys(script.FIGURES, 1)))
    nothing: dict[str, str] = {}
    lists = {"musts_without_a_defect": nothing, "not_broken": nothing, "not_detected": nothing}
    page = script.page({"figures": figure_names, "catalogue": "x", "defects": [row], "harmless": [varied]} | lists)
    assert "some-defect" in page and "one &amp; all" in page
    assert "<script>alert" not in page and "<b>suffer" not in page
    assert "http://" not in page and "https://" not in page
