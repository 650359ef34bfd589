"""Which tests judged a requirement, as the reports of real runs tell it."""

import json
from pathlib import Path
from typing import Any

from conformance import catalogue
from conformance.reporting import trace
from tests.conftest import KEY, Command


def report(**rows: dict[str, str]) -> dict[str, Any]:
    requirements = [{"id": id.replace("_", "-"), "tests": tests} for id, tests in rows.items()]
    return {"profile": "openai", "target": {}, "requirements": requirements}


def test_every_requirement_is_there_and_the_worst_verdict_counts() -> None:
    traces, unknown = trace.traced([report(CHAT_018={"a::x[plain]": "pass", "a::x[streamed]": "warn"})])
    found = {each.requirement.id: each for each in traces}
    assert found.keys() == catalogue.requirements().keys()
    assert found["CHAT-018"].verdict == "warn"
    assert found["CHAT-001"].is_missing
    assert not unknown


def test_what_is_outside_the_profile_is_not_missed() -> None:
    openai, behind = (
        {each.requirement.id for each in trace.traced([report() | {"target": target}])[0] if each.is_missing}
        for target in ({}, {"upstream": "http://provider/v1"})
    )
    nemo = {each.requirement.id for each in trace.traced([report() | {"profile": "nemo"}])[0] if each.is_missing}
    assert "NAME-001" not in openai and "NAME-001" in nemo
    assert "UPS-001" not in openai and "UPS-001" in behind


def test_reports_add_up_and_the_last_verdict_of_a_test_counts() -> None:
    traces, _ = trace.traced([report(CHAT_018={"a": "fail"}), report(CHAT_018={"a": "pass"}, LIST_001={"b": "pass"})])
    assert {t.requirement.id: t.verdict for t in traces if t.tests} == {"CHAT-018": "pass", "LIST-001": "pass"}


def test_an_id_that_there_is_not_is_told_with_the_test_that_cites_it() -> None:
    _, unknown = trace.traced([report(CHAT_999={"suites/test_x.py::test_y": "pass"})])
    assert unknown == ["suites/test_x.py::test_y cites CHAT-999, which is not in the catalogue"]


def test_the_command_prints_tests_and_verdicts_and_fails_for_what_nobody_judged(
    run: Command, gateway_url: str, tmp_path: Path
) -> None:
    done = run("gateproof", "check", gateway_url + "/v1", "--api-key", KEY, "--only", "LIST", "--output", "out")
    assert done.returncode == 0, done.stdout
    told = run("gateproof", "trace", "out/report.json")
    assert told.returncode == 1
    line = next(line for line in told.stdout.splitlines() if line.startswith("LIST-001"))
    assert line.split()[:3] == ["LIST-001", "MUST", "pass"]
    assert "suites/test_list.py::" in line
    assert "NEITHER TEST NOR REASON: " in told.stdout


def test_what_is_no_report_is_refused_in_a_sentence(run: Command, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(json.dumps({"requirements": []}))
    for name in ("x.json", "missing.json"):
        done = run("gateproof", "trace", name)
        assert done.returncode == 4
        assert done.stderr.startswith(f"gateproof: {name}: it ")
