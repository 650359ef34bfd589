"""SARIF 2.1.0: valid by the parts of its schema that we write, the same fingerprints in every run, no link of a
gateway's."""

import json
from typing import Any

from jsonschema import Draft202012Validator

from conformance import rendering
from tests.conformance.rendering.documents import VERDICTS, hostile, passing

TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
HEADERS = {"type": "object", "additionalProperties": {"type": "string"}}
LEVEL = {"enum": ["none", "note", "warning", "error"]}


def closed(required: str, **properties: Any) -> dict[str, Any]:
    """An object of the standard's schema, which takes no other property."""
    return {
        "type": "object",
        "required": required.split(),
        "additionalProperties": False,
        "properties": properties | {"properties": {"type": "object"}},
    }


RULE = closed(
    "id",
    id={"type": "string"},
    shortDescription=TEXT,
    fullDescription=TEXT,
    help=TEXT,
    defaultConfiguration=closed("level", level=LEVEL),
)
PLACE = closed(
    "artifactLocation region",
    artifactLocation=closed("uri", uri={"type": "string", "pattern": "^[a-z][a-z_/]*$"}),
    region=closed("startLine", startLine={"type": "integer", "minimum": 1}),
)
LOCATION = closed(
    "physicalLocation",
    physicalLocation=PLACE,
    logicalLocations={
        "type": "array",
        "items": closed("name", name={"type": "string"}, kind={"enum": ["resource"]}),
    },
)
RESULT = closed(
    "message ruleId ruleIndex level locations partialFingerprints",
    ruleId={"type": "string"},
    ruleIndex={"type": "integer", "minimum": 0},
    level=LEVEL,
    message=TEXT,
    locations={"type": "array", "minItems": 1, "maxItems": 1, "items": LOCATION},
    partialFingerprints={"type": "object", "additionalProperties": {"type": "string"}},
    suppressions={
        "type": "array",
        "items": closed("kind", kind={"enum": ["inSource", "external"]}, justification={"type": "string"}),
    },
    webRequest=closed("", target={"type": "string"}, method={"type": "string"}, headers=HEADERS, body=TEXT),
    webResponse=closed("", statusCode={"type": "integer"}, headers=HEADERS, body=TEXT),
)
INVOCATION = closed(
    "executionSuccessful",
    executionSuccessful={"type": "boolean"},
    startTimeUtc={"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"},
    exitCode={"type": "integer"},
    toolExecutionNotifications={"type": "array", "items": closed("message", message=TEXT, level=LEVEL)},
)
RUN = closed(
    "tool",
    tool=closed(
        "driver",
        driver=closed(
            "name",
            name={"type": "string"},
            version={"type": "string"},
            rules={"type": "array", "uniqueItems": True, "items": RULE},
        ),
    ),
    automationDetails=closed("", id={"type": "string"}),
    invocations={"type": "array", "items": INVOCATION},
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    results={"type": "array", "items": RESULT},
)
LOG = closed(
    "version runs",
    version={"const": "2.1.0"},
    runs={"type": "array", "minItems": 1, "items": RUN},
    **{"$schema": {"type": "string"}},
)


def logged(document: dict[str, Any]) -> dict[str, Any]:
    log: dict[str, Any] = json.loads(rendering.render("sarif", document))
    assert [f"{list(error.path)}: {error.message}" for error in Draft202012Validator(LOG).iter_errors(log)] == []
    run: dict[str, Any] = log["runs"][0]
    return run


def test_a_result_for_all_that_is_broken_and_a_rule_for_all_that_is_judged() -> None:
    run = logged(hostile())
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert set(rules) == set(VERDICTS)
    found = {result["ruleId"]: result for result in run["results"]}
    assert {id: result["level"] for id, result in found.items()} == {
        "LIST-001": "error",
        "CHAT-001": "error",
        "CHAT-018": "error",
        "STREAM-001": "error",
        "HDR-001": "error",
        "CHAT-004": "warning",
        "ERR-008": "error",
    }
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    assert [result["ruleId"] for result in run["results"] if "suppressions" in result] == ["ERR-008"]
    said = {"verdict": "error", "level": "MUST", "blamed": "suite"}
    assert said.items() <= found["STREAM-001"]["properties"].items()
    assert found["LIST-001"]["webResponse"]["statusCode"] == 500
    assert not run["invocations"][0]["executionSuccessful"]


def test_a_conformant_run_has_rules_and_no_results() -> None:
    run = logged(passing())
    assert run["results"] == []
    assert len(run["tool"]["driver"]["rules"]) == len(VERDICTS)
    assert run["invocations"][0]["executionSuccessful"]


def test_fingerprints_are_the_same_whatever_was_seen_and_where() -> None:
    here, there = hostile(), hostile()
    there["target"]["base_url"] = "http://127.0.0.1:12345/v1"
    for row in there["requirements"]:
        row["message"] = "something else"
    there["requirements"].reverse()
    assert fingerprints(here) == fingerprints(there)
    assert len(set(fingerprints(here).values())) == 7


def test_a_message_has_no_link() -> None:
    found = next(result for result in logged(hostile())["results"] if result["ruleId"] == "LIST-001")
    assert r"\[click\](https" in found["message"]["text"]
    assert " [click" not in found["message"]["text"]


def test_gitlabs_report_names_the_same_with_fingerprints_of_their_own() -> None:
    told = json.loads(rendering.render("codequality", hostile()))
    assert {entry["check_name"] for entry in told} == {
        *("LIST-001", "CHAT-001", "CHAT-018", "STREAM-001", "HDR-001", "CHAT-004")
    }
    assert len({entry["fingerprint"] for entry in told}) == len(told)
    assert {entry["severity"] for entry in told} <= {"info", "minor", "major", "critical", "blocker"}
    assert all(entry["location"]["lines"]["begin"] == 1 and entry["location"]["path"] for entry in told)
    assert json.loads(rendering.render("codequality", passing())) == []


def fingerprints(document: dict[str, Any]) -> dict[str, str]:
    return {result["ruleId"]: str(result["partialFingerprints"]) for result in logged(document)["results"]}
