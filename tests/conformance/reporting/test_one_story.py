"""JUnit, Allure and the report tell the same of each of the nine verdicts, whoever runs pytest and on how many
processes."""

import json
import os
import sys
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.conftest import KEY, ROOT, Command

URL = "/apis/inference-gateway/v2/workspaces/default/openai/-/v1"
EVERY_VERDICT = {
    "LIST-001": "fail",
    "LIST-002": "pass",
    "LIST-003": "warn",
    "LIST-004": "known",
    "LIST-005": "inconclusive",
    "LIST-006": "not-applicable",
    "LIST-007": "untestable",
    "LIST-008": "error",
    "HDR-001": "stale",
}
"""LIST-004 and HDR-001 are among what the profile nemo-upstream knows not to be kept."""
RAISING = """
from conformance.exchange import Unusable
from conformance.verdict import Broken, Inconclusive, NotApplicable, Tolerated

RAISED = {
    "LIST-001": Broken("no list"),
    "LIST-003": Tolerated("an odd owner"),
    "LIST-004": Broken("created is 0, which stands for unknown"),
    "LIST-005": Inconclusive("one model only"),
    "LIST-006": NotApplicable("no such thing"),
    "LIST-007": Unusable("no answer"),
    "LIST-008": KeyError("ours"),
}


def pytest_collection_modifyitems(items):
    for item in items:
        id = item.get_closest_marker("requirement").args[0]
        item.obj = saying(item.obj, RAISED.get(id))


def saying(test, error):
    def said(**_):
        if error:
            raise error
    return said
"""
"""A plugin in whose hands each test says what it is told to say; all that makes a verdict of it is real."""
JUNIT = dict.fromkeys(("pass", "warn"), "passed") | dict.fromkeys(("fail", "untestable", "stale"), "failure")
JUNIT |= dict.fromkeys(("known", "inconclusive", "not-applicable"), "skipped") | {"error": "error"}
ALLURE = JUNIT | dict.fromkeys(("fail", "untestable", "stale"), "failed") | {"error": "broken"}


@pytest.mark.parametrize("processes", [[], ["-n2"]])
def test_of_every_verdict_junit_and_allure_tell_what_the_report_does(
    run: Command, gateway_url: str, tmp_path: Path, processes: list[str]
) -> None:
    (tmp_path / "raising.py").write_text(RAISING)
    words = ["--base-url", gateway_url + URL, "--gateproof-profile", "nemo-upstream", "-p", "raising", *processes]
    words += ["--gateproof-only", ",".join(EVERY_VERDICT), "--gateproof-output", str(tmp_path / "out"), "-q"]
    env = {"GATEPROOF_API_KEY": KEY, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    done = run("pytest", str(ROOT / "conformance"), *words, env=env)
    assert done.returncode == 3, done.stdout + done.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert {row["id"]: row["verdict"] for row in report["requirements"]} == EVERY_VERDICT
    assert junit(tmp_path / "out") == {id: {JUNIT[verdict]} for id, verdict in EVERY_VERDICT.items()}
    assert allure(tmp_path / "out") == {id: {ALLURE[verdict]} for id, verdict in EVERY_VERDICT.items()}


def junit(folder: Path) -> dict[str, set[str]]:
    """The outcomes of each requirement's test cases; the verdict that a case names must be the one it has."""
    found: dict[str, set[str]] = defaultdict(set)
    for case in ElementTree.parse(folder / "junit.xml").iter("testcase"):
        said = {each.get("name", ""): each.get("value", "") for each in case.iter("property")}
        assert said["verdict"] == EVERY_VERDICT[said["requirement"]]
        outcomes = {child.tag for child in case} & {"failure", "error", "skipped"}
        found[said["requirement"]] |= outcomes or {"passed"}
    return dict(found)


def allure(folder: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for path in (folder / "allure-results").glob("*-result.json"):
        result = json.loads(path.read_text())
        id = result["name"].split()[0]
        tags = {label["value"] for label in result["labels"] if label["name"] == "tag"}
        assert EVERY_VERDICT[id] in tags
        found[id].add(result["status"])
    return dict(found)
