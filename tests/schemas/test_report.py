"""Our own report: the whole document passes, and each way to get it wrong is told."""

import copy
from typing import Any

import pytest

import schemas

verdicts = ["pass", "fail", "warn", "inconclusive", "not-applicable", "untestable", "error", "known", "stale"]


ENTRY = {
    "kind": "known",
    "id": "CHAT-011",
    "test": "",
    "reason": "a provider's own role",
    "owner": "ann",
    "link": "",
    "expires": "2026-12-31",
    "expired": False,
}


@pytest.fixture
def report() -> dict[str, Any]:
    return {
        "gateproof": {"version": "0.1.0", "catalogue_hash": "sha256:ab12"},
        "started_at": "2026-10-02T09:30:00.125Z",
        "duration_s": 3.2,
        "target": {
            "base_url": "http://127.0.0.1:8000/v1",
            "profile": "openai",
            "model": "echo",
            "model_chosen": "listed",
            "headers": {"X-Project": "[redacted]"},
        },
        "profile": "openai",
        "conformant": False,
        "summary": {**dict.fromkeys(verdicts, 0), "pass": 1, "fail": 1, "outside_profile": 12}
        | {"judged": {"musts": 2, "of": 4, "share": 0.5, "enough": False, "least": 0.9, "source": "--min-judged"}},
        "baseline": {
            **dict.fromkeys(("known", "stale", "flaky", "flaky_failed", "expired", "not_run"), 0),
            "file": "gateproof.baseline.toml",
            "entries": [ENTRY | {"verdict": "fail"}],
        },
        "cost": {"requests": 61, "prompt_tokens": 900, "completion_tokens": 400},
        "requirements": [
            {
                "id": "LIST-001",
                "level": "MUST",
                "verdict": "pass",
                "statement": "The list call answers 200.",
                "message": "",
                "tests": {"suites/test_list.py::test_models_are_listed": "pass"},
                "evidence": [],
            },
            {
                "id": "CHAT-011",
                "level": "MUST",
                "verdict": "fail",
                "statement": '`message.role` is "assistant".',
                "message": 'choices[0].message.role: expected "assistant", saw "user"',
                "tests": {"suites/test_chat.py::test_the_role_is_assistant": "fail"},
                "baseline": [dict(ENTRY)],
                "evidence": [
                    {
                        "exchange": "chat_reply-1",
                        "probe": "chat_reply",
                        "method": "POST",
                        "url": "http://127.0.0.1:8000/v1/chat/completions",
                        "status": 200,
                        "curl": "curl …",
                        "request": {"headers": [], "body": "{}"},
                        "response": None,
                        "note": "",
                    }
                ],
            },
        ],
        "clients": [
            {
                "name": "openai-python",
                "version": "2.54.0",
                "summary": {"pass": 0, "fail": 1},
                "requirements": [
                    {
                        "id": "SDK-011",
                        "level": "MUST",
                        "verdict": "fail",
                        "statement": "The models are iterated over.",
                        "message": "openai-python 2.54.0, models.list(): AttributeError",
                    }
                ],
            }
        ],
        "features": {"tools": {"claimed": "auto", "observed": "present", "state": "works"}},
    }


def told(document: Any) -> list[str]:
    return [sentence.split(": ")[0] for sentence in schemas.violations("report", document, limit=50)]


def test_a_whole_report_is_valid(report):
    assert schemas.violations("report", report) == []


def test_what_is_newer_may_be_left_out_and_nothing_else(report):
    del report["features"], report["clients"], report["baseline"], report["summary"]["judged"]
    assert told(report) == []
    assert told({}) == sorted(report)


@pytest.mark.parametrize("verdict", verdicts)
def test_every_verdict_is_counted(report, verdict):
    del report["summary"][verdict]
    assert told(report) in ([f"summary.{verdict}"], [f'summary["{verdict}"]'])


@pytest.mark.parametrize("verdict", [verdict for verdict in verdicts if verdict != "pass"])
def test_every_verdict_can_be_given_with_a_message(report, verdict):
    report["requirements"][1]["verdict"] = verdict
    assert told(report) == []


def test_a_pass_has_nothing_to_say(report):
    report["requirements"][0]["message"] = "fine"
    assert schemas.violations("report", report) == ['requirements[0].message: expected "", saw "fine"']


@pytest.mark.parametrize(
    ("part", "member"),
    [
        ((), "extra"),
        (("gateproof",), "commit"),
        (("summary",), "skipped"),
        (("cost",), "dollars"),
        (("features", "tools"), "why"),
        (("requirements", 1), "title"),
        (("clients", 0), "python"),
        (("baseline",), "path"),
        (("baseline", "entries", 0), "title"),
        (("requirements", 1, "baseline", 0), "verdict"),
        (("summary", "judged"), "should"),
        (("clients", 0, "requirements", 0), "evidence"),
    ],
)
def test_what_is_ours_is_closed(report, part, member):
    spoilt = parent = copy.deepcopy(report)
    for step in part:
        parent = parent[step]
    parent[member] = "x"
    (sentence,) = schemas.violations("report", spoilt)
    assert sentence.endswith(f"{member}: not expected here")


@pytest.mark.parametrize(
    ("part", "member", "value"),
    [
        ((), "started_at", "2026-10-02 09:30"),
        ((), "started_at", "2026-10-02T09:30:00+02:00"),
        ((), "duration_s", -1),
        ((), "conformant", "yes"),
        (("target",), "model_chosen", "guessed"),
        (("target",), "base_url", ""),
        (("summary",), "pass", -1),
        (("cost",), "requests", 1.5),
        (("features", "tools"), "claimed", True),
        (("features", "tools"), "observed", "maybe"),
        (("clients", 0), "name", ""),
        (("baseline",), "known", -1),
        (("baseline", "entries", 0), "expires", "soon"),
        (("baseline", "entries", 0), "verdict", "skipped"),
        (("requirements", 1, "baseline", 0), "kind", "new"),
        (("summary", "judged"), "share", 1.5),
        (("clients", 0, "requirements", 0), "verdict", "skipped"),
        (("requirements", 0), "id", "chat-1"),
        (("requirements", 0), "level", "must"),
        (("requirements", 0), "verdict", "skipped"),
        (("requirements", 0), "statement", ""),
        (("requirements", 0), "evidence", None),
        (("requirements", 1, "evidence", 0), "status", "200"),
        (("requirements", 1, "evidence", 0), "response", "text"),
        (("requirements", 1, "evidence", 0), "exchange", 1),
    ],
)
def test_a_wrong_value_is_told_at_its_place(report, part, member, value):
    parent = report
    for step in part:
        parent = parent[step]
    parent[member] = value
    (place,) = told(report)
    assert place.endswith(member)
