"""The report as SARIF 2.1.0, for code scanning and for whatever else reads it: a rule for each requirement of the run,
a result for each that is not kept.

GitHub makes an alert of every result, so what is merely inconclusive or does not apply is none. It wants a place in a
file of each; there is no file, so the endpoint stands for it, relative, as any other scheme than file is refused.
Source: SARIF 2.1.0 (OASIS Standard, 2020), and GitHub's documentation of SARIF support for code scanning.
"""

import hashlib
import json
import re
from typing import Any

from conformance.exchange import clip
from conformance.rendering.findings import Row, about, area, title, told
from conformance.verdict import RED, Exit, Verdict

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
MAX_MESSAGE = 2000
MAX_STATEMENT = 1000
_LEVELS = {"MUST": "error", "SHOULD": "warning", "MAY": "note"}


def render(document: dict[str, Any]) -> str:
    """The SARIF log of the run, as JSON."""
    rows = document["requirements"]
    place = {row["id"]: number for number, row in enumerate(rows)}
    told = [row for row in rows if row["verdict"] in {*RED, Verdict.WARN, Verdict.KNOWN}]
    suite = document["gateproof"]
    driver = {
        "name": "gateproof",
        "version": suite["version"],
        "rules": [_rule(row) for row in rows],
        "properties": {"catalogueHash": suite["catalogue_hash"]},
    }
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"gateproof/{document['profile']}/"},
        "invocations": [_invocation(document)],
        "columnKind": "utf16CodeUnits",
        "results": [_result(row, place[row["id"]], document["profile"]) for row in told],
        "properties": {"target": document["target"]["base_url"], "summary": document["summary"]},
    }
    text = json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1, ensure_ascii=False)
    return text.replace("<", "\\u003c") + "\n"  # whoever puts it into a page


def _invocation(document: dict[str, Any]) -> dict[str, Any]:
    """Whether the tool itself ran as it should: an error of ours is the one thing that says no."""
    errors = [row for row in document["requirements"] if row["verdict"] == Verdict.ERROR]
    told = [{"level": "error", "message": {"text": f"{row['id']}: {_plain(row['message'], 500)}"}} for row in errors]
    return {
        "executionSuccessful": not errors,
        "startTimeUtc": document["started_at"].replace("+00:00", "Z"),
        **({"toolExecutionNotifications": told, "exitCode": int(Exit.ERROR)} if told else {}),
    }


def _rule(row: Row) -> dict[str, Any]:
    name = area(row["id"])
    statement = _plain(row["statement"])
    return {
        "id": row["id"],
        "shortDescription": {"text": statement},
        "fullDescription": {"text": f"{row['level']}: {statement}"},
        "help": {"text": f"Who breaks: {_plain(told(row, 'breaks'))}\n\nSource: {_plain(told(row, 'source'))}"},
        "defaultConfiguration": {"level": _LEVELS[row["level"]]},
        "properties": {"tags": ["gateway", name], "area": title(name)},
    }


def _result(row: Row, rule: int, profile: str) -> dict[str, Any]:
    """A result; who is at fault is not called `blame` in it, as readers take that for git's."""
    verdict = Verdict(row["verdict"])
    is_note = verdict is Verdict.KNOWN and row["level"] != "MUST"
    result: dict[str, Any] = {
        "ruleId": row["id"],
        "ruleIndex": rule,
        "level": "warning" if verdict is Verdict.WARN or is_note else "error",
        "message": {"text": f"{verdict}: {_plain(row['statement'], 400)} Seen: {_plain(row['message'], MAX_MESSAGE)}"},
        "locations": [_location(row["id"])],
        "partialFingerprints": _fingerprints(profile, row["id"]),
        "properties": {"verdict": verdict.value, "level": row["level"], "blamed": row.get("blame", "gateway")},
    }
    if verdict is Verdict.KNOWN:
        result["suppressions"] = [{"kind": "external", "justification": clip(row["message"], MAX_MESSAGE)}]
    if row["evidence"]:
        result["webRequest"], response = _exchange(row["evidence"][0])
        if response:
            result["webResponse"] = response
        result["properties"]["curl"] = row["evidence"][0]["curl"]
    return result


def _location(id: str) -> dict[str, Any]:
    entry = about(id)
    endpoint = entry.endpoint if entry and entry.endpoint else ""
    path = next((word.strip("/") for word in re.sub(r"[{}]", "", endpoint).split() if word.startswith("/")), "")
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": f"gateway/{path}" if path else "gateway"},
            "region": {"startLine": 1},
        },
        "logicalLocations": [{"name": endpoint or "the gateway", "kind": "resource"}],
    }


def _plain(text: str, limit: int = MAX_STATEMENT) -> str:
    """A text in which nothing is a link: SARIF's messages have links in square brackets."""
    return clip(text, limit).replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")


def _fingerprints(profile: str, id: str) -> dict[str, str]:
    """The same in every run, whatever the port, the message or the order: GitHub reads the first of them."""
    known = hashlib.sha256(f"{profile}/{id}".encode()).hexdigest()[:16]
    return {"primaryLocationLineHash": f"{known}:1", "gateproofRequirement/v1": f"{profile}/{id}"}


def _exchange(evidence: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The evidence in SARIF's own words for it."""
    request, response = evidence["request"] or {}, evidence["response"]
    asked: dict[str, Any] = {"target": evidence["url"], "method": evidence["method"]}
    if request.get("headers"):
        asked["headers"] = _headers(request["headers"])
    if request.get("body"):
        asked["body"] = {"text": request["body"]}
    if response is None:
        return asked, None
    answered = {"statusCode": evidence["status"] or 0, "headers": _headers(response.get("headers") or [])}
    return asked, answered | {"body": {"text": response.get("body") or ""}}


def _headers(pairs: list[list[str]]) -> dict[str, str]:
    """Names and values, those of one name joined as HTTP joins them."""
    found: dict[str, str] = {}
    for name, value in pairs:
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found
