"""`gateproof render`: a stored report shown again, and one line for what is none."""

import json
import os
import sys
from pathlib import Path

import pytest

from conformance.rendering import RENDERERS
from tests.conformance.rendering.documents import hostile
from tests.conftest import Command


@pytest.fixture
def stored(tmp_path: Path) -> str:
    (tmp_path / "report.json").write_text(json.dumps(hostile()))
    return "report.json"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "NOT conformant: 5 of 10"),
        (["--to", "markdown"], "## ❌ NOT conformant: 5 of 10"),
        (["--to", "annotations"], "::error title=LIST-001 fail (MUST)::"),
        (["--to", "sarif"], '"version": "2.1.0"'),
        (["--to", "badge"], "<title>gateproof, profile openai: NOT conformant"),
    ],
)
def test_it_prints_what_is_asked_for(run: Command, stored: str, words: list[str], says: str) -> None:
    done = run("gateproof", "render", stored, *words)
    assert (done.returncode, done.stderr) == (0, "")
    assert says in done.stdout
    assert "\x1b" not in done.stdout


def test_it_writes_all_files_or_the_one(run: Command, stored: str, tmp_path: Path) -> None:
    done = run("gateproof", "render", stored, "--output", "all")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "all").iterdir()} == set(filter(None, RENDERERS.values()))
    assert all(f"all/{file}" in done.stdout for file in filter(None, RENDERERS.values()))
    done = run("gateproof", "render", stored, "--to", "badge", "--output", "one")
    assert done.stdout == "one/badge.svg\n"
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["badge.svg"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["none.json"], "none.json: it can't be read (No such file or directory)"),
        (["text.json"], "text.json: it is no JSON"),
        (["old.json"], "old.json: it is no report.json of a check by this version (cost: missing)"),
        (["report.json", "--to", "pdf"], "invalid choice: 'pdf'"),
        (["report.json", "--to", "text", "--output", "x"], "--to text has no file: leave out --output"),
        (["report.json", "--output", "text.json"], "--output text.json: it can't be written"),
    ],
)
def test_one_line_for_what_the_user_can_mend(
    run: Command, stored: str, tmp_path: Path, words: list[str], says: str
) -> None:
    old = hostile()
    del old["cost"]
    (tmp_path / "old.json").write_text(json.dumps(old))
    (tmp_path / "text.json").write_text("no JSON")
    done = run("gateproof", "render", *words)
    assert done.returncode == 4
    assert done.stdout == ""
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_renderer_that_crashes_is_our_error_in_one_line(run: Command, stored: str) -> None:
    program = "from conformance import cli, rendering; rendering.RENDERERS['lost'] = ''; raise SystemExit(cli.main())"
    done = run("python", "-c", program, "render", stored, "--to", "lost", env={"PYTHONPATH": os.pathsep.join(sys.path)})
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("gateproof: there is no lost, a fault of gateproof's own (ModuleNotFoundError")
    assert done.stderr.count("\n") == 1


def test_requirements_of_another_catalogue_are_shown_too(run: Command, tmp_path: Path) -> None:
    document = hostile()
    document["requirements"] += [row | {"id": f"NEW{row['id'][-4:]}"} for row in document["requirements"]]
    (tmp_path / "report.json").write_text(json.dumps(document))
    assert run("gateproof", "render", "report.json", "--output", "all").returncode == 0
    assert "NEW-001" in run("gateproof", "render", "report.json").stdout
