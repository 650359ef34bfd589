"""The published reports: each is a report of ours, its page names what was found, and its Reproduce section exists as
written."""

import json
import random
import re
import shlex
import socket
import tomllib
from pathlib import Path
from typing import Any

import pytest

from schemas import violations

from .conftest import ROOT, Command

FOLDERS = sorted(file.parent for file in (ROOT / "reports").glob("*/report.json"))
GATEWAYS = tomllib.loads((ROOT / "scripts" / "gateways" / "gateways.toml").read_text("utf-8"))
OF_FOLDERS = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
ID = re.compile(r"\b[A-Z]+-\d{3}\b")
FOUND = ("fail", "warn", "error", "stale")


def parts(folder: Path) -> tuple[str, str]:
    """What a page says before its Reproduce section, and that section."""
    before, heading, after = (folder / "README.md").read_text("utf-8").partition("\n## Reproduce\n")
    assert heading
    return before, after


def document_of(folder: Path) -> Any:
    return json.loads((folder / "report.json").read_text("utf-8"))


def test_every_gateway_has_a_report() -> None:
    wanted = [row["folder"].format(version="*") for row in GATEWAYS.values()]
    assert [name for name in wanted if not any(folder.match(name) for folder in FOLDERS)] == []


@OF_FOLDERS
def test_a_report_is_one_of_ours_and_the_terminal_said_the_same(folder: Path) -> None:
    document = document_of(folder)
    assert list(violations("report", document)) == []
    printed = (folder / "report.txt").read_text("utf-8")
    assert printed.startswith(f"{document['target']['base_url']}, profile {document['profile']}")
    assert ("NOT conformant" in printed) is not document["conformant"]


@OF_FOLDERS
def test_every_finding_was_read_by_a_person_and_nothing_else_is_called_one(folder: Path) -> None:
    verdicts = {each["id"]: each["verdict"] for each in document_of(folder)["requirements"]}
    always, _, at_times = parts(folder)[0].split("\n## ", 1)[1].partition("\n## In some runs\n")
    told = set(ID.findall(always))
    assert {id for id, verdict in verdicts.items() if verdict in FOUND} - told - set(ID.findall(at_times)) == set()
    assert {id for id in told if verdicts.get(id, "pass") == "pass"} == set()


@OF_FOLDERS
def test_what_stays_inconclusive_is_counted_here_and_in_the_index(folder: Path) -> None:
    applying = [each["verdict"] for each in document_of(folder)["requirements"] if each["verdict"] != "not-applicable"]
    count = f"{applying.count('inconclusive')} of {len(applying)} ("
    assert f"\n| inconclusive | {count}" in parts(folder)[0]
    (row,) = [
        line
        for line in (ROOT / "reports" / "README.md").read_text("utf-8").splitlines()
        if f"]({folder.name}/)" in line
    ]
    assert f"| {count}" in row


@OF_FOLDERS
def test_the_commands_to_reproduce_it_exist(folder: Path, run: Command) -> None:
    reproduce = parts(folder)[1]
    commands = [shlex.split(line) for line in re.findall(r"(?m)^\$ (.*)$", reproduce)]
    scripts = re.findall(r"(?m)(?:^\$ |\s)(scripts/gateways/\S+)", reproduce)
    assert scripts and all((ROOT / script).stat().st_mode & 0o100 for script in scripts)
    (make,) = [words for words in commands if words[:2] == ["make", "reports"]]
    assert make[2].removeprefix("GATEWAYS=") in GATEWAYS
    (check,) = [words for words in commands if words[:2] == ["gateproof", "check"]]
    target = document_of(folder)["target"]
    assert (check[2], "--upstream" in check) == (target["base_url"], "upstream" in target)
    planned = run(*check, "--plan")
    assert planned.returncode == 0, planned.stderr


def test_of_a_gateway_that_does_not_start_the_report_is_kept_and_the_reason_told(run: Command, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    script, env = str(ROOT / "scripts" / "publish_reports.py"), {"GATEPROOF_LAB": str(tmp_path / "file" / "lab")}
    port = str(random.randrange(20_000, 30_000))  # below those that systems give to whoever asks for any
    done = run("python", script, "bundled", "--port", port, env=env)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("bundled: did not start (mkdir: ") and line.endswith("; its last report is kept")
    with socket.create_server(("127.0.0.1", int(port))):
        taken = run("python", script, "bundled", "--port", port)
    assert taken.stderr == f"bundled: port {port} is taken (--port N takes others); its last report is kept\n"
