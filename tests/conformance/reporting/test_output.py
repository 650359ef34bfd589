"""The output folder: everything that is rendered, whole or not at all, and a fault of ours told as ours; and what a run
says beside that on GitHub Actions."""

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.rendering import RENDERERS
from tests.conftest import KEY, ROOT, Command

FILES = {"report.json", "junit.xml", "allure-results", *filter(None, RENDERERS.values())}
SOME = "LIST"
LOST = "from conformance import rendering; rendering.RENDERERS['lost'] = 'lost.txt'\n"
"""A renderer that there is no module of, so that it crashes."""

Check = Callable[..., "tuple[int, str, str]"]


@pytest.fixture(params=["command", "pytest", "xdist"])
def check(request: pytest.FixtureRequest, run: Command, gateway_url: str, tmp_path: Path) -> Check:
    """Judges the bundled gateway in one of the three modes, into the folder out."""
    (tmp_path / "lost.py").write_text(LOST)
    mode = request.param

    def check(*, lose: bool = False, model: str = "", env: dict[str, str] | None = None) -> tuple[int, str, str]:
        options = {"only": SOME, "output": str(tmp_path / "out")} | ({"model": model} if model else {})
        where = {"GATEPROOF_API_KEY": KEY, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])} | (env or {})
        url = gateway_url + "/v1"
        if mode == "command":
            words = [word for name, value in options.items() for word in (f"--{name}", value)]
            program = f"{LOST * lose}from conformance.cli import main; raise SystemExit(main())"
            done = run("python", "-c", program, "check", url, *words, env=where)
        else:
            words = [word for name, value in options.items() for word in (f"--gateproof-{name}", value)]
            words += ["-p", "lost"] * lose + ["-n2"] * (mode == "xdist")
            done = run("pytest", str(ROOT / "conformance"), "--base-url", url, "-q", *words, env=where)
        return done.returncode, done.stdout, done.stderr

    return check


def test_all_files_are_there_in_every_mode(check: Check, tmp_path: Path) -> None:
    code, said, complained = check()
    assert code == 0, said + complained
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES


def test_a_renderer_that_crashes_is_our_error_and_takes_nothing_away(check: Check, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "lost.txt").write_text("of an earlier run")
    code, said, complained = check(lose=True)
    assert code == 3, said + complained
    assert len(re.findall("there is no lost.txt, a fault of gateproof's own", said + complained)) == 1
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES
    assert json.loads((tmp_path / "out" / "report.json").read_text())["conformant"]


def test_on_github_a_failure_is_annotated_and_summarised_once(check: Check, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("of an earlier command\n")
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    code, said, _ = check(model="no-such-model", env=env)
    assert code == 1
    commands = [line for line in said.splitlines() if line.startswith("::") and "title=" in line]
    assert len(commands) == 1
    assert commands[0].startswith("::error title=LIST-006 fail (MUST)::")
    text = summary.read_text()
    assert text.startswith("of an earlier command\n\n<!-- gateproof -->\n## ❌ NOT conformant")
    assert text.count("<!-- gateproof -->") == 1


def test_off_github_or_where_it_is_unwanted_there_is_no_such_thing(check: Check, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    for env in ({}, {"GITHUB_ACTIONS": "true", "GATEPROOF_NO_ANNOTATIONS": "true"}):
        _, said, _ = check(model="no-such-model", env={"GITHUB_STEP_SUMMARY": str(summary)} | env)
        assert "::error" not in said
        assert not summary.exists()


def test_what_a_gateway_says_is_no_command_to_github(run: Command, gateway_url: str) -> None:
    env = {"GATEPROOF_API_KEY": KEY, "GITHUB_ACTIONS": "true"}
    done = run("gateproof", "check", gateway_url + "/v1", "--only", "LIST", "--model", "##[add-mask]x", env=env)
    lines = done.stdout.splitlines()
    stop = lines[0].removeprefix("::stop-commands::")
    assert len(stop) == 32
    spoken = [number for number, line in enumerate(lines) if "##[add-mask]x" in line and not line.startswith("::error")]
    assert spoken
    assert max(spoken) < lines.index(f"::{stop}::")


def test_what_is_in_the_way_of_a_file_is_replaced(run: Command, gateway_url: str, tmp_path: Path) -> None:
    (tmp_path / "out" / "report.md").mkdir(parents=True)
    words = ["--only", "LIST-001", "--output", "out", "--api-key", KEY]
    done = run("gateproof", "check", gateway_url + "/v1", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "out" / "report.md").is_file()


def test_a_disk_that_fails_leaves_the_folder_as_it_was(run: Command, gateway_url: str, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "report.json").write_text("of an earlier run")
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
    program = f"{limited}from conformance.cli import main; raise SystemExit(main())"
    words = ["check", gateway_url + "/v1", "--only", "LIST-001,LIST-002", "--output", "out", "--api-key", KEY]
    done = run("python", "-B", "-c", program, *words, env={"PYTHONPATH": os.pathsep.join(sys.path)})
    assert done.returncode == 3, done.stdout + done.stderr
    assert "gateproof: --output out: it can't be written (File too large)" in done.stderr
    assert "conformant" in done.stdout
    assert "written:" not in done.stdout
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["report.json"]
    assert (tmp_path / "out" / "report.json").read_text() == "of an earlier run"
