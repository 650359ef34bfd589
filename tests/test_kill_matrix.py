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
        "red": {"LIST-002": "fail: <script>alert(1)</script> | x"}, "missed": ["LIST-001"], "collateral": ["LIST-002"],
        "untestable": [],
    }  # fmt: skip
    varied = {"name": "one & all", "red": {"CHAT-001": "fail: <script>alert(2)</script>"}, "untestable": [], "may": []}
    lists: dict[str, Any] = {key: {} for key in ("musts_without_a_defect", "not_broken", "not_detected")}
    document = json.loads((ROOT / "reports" / "kill-matrix" / "matrix.json").read_text("utf-8"))
    page = script.page(document | {"defects": [row], "harmless": [varied]} | lists)
    assert "| some-defect | LIST-001 | LIST-002 fail: &lt;script&gt;alert(1)&lt;/script&gt; \\| x |" in page
    assert "| some-defect | LIST-002 | Users &lt;b&gt;suffer&lt;/b&gt;. | constructed |" in page
    assert "| one &amp; all | CHAT-001 fail: " in page
    assert "<" not in page and "http://" not in page and "https://" not in page


def test_the_published_page_is_that_of_the_published_matrix(script: ModuleType) -> None:
    folder = ROOT / "reports" / "kill-matrix"
    document = json.loads((folder / "matrix.json").read_text("utf-8"))
    assert (folder / "README.md").read_text("utf-8") == script.page(document)
