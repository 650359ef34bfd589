"""Endpoints that a gateway need not have: whether it has one is told by its answer, and by that of a path which can't
exist."""

import pytest

from conformance.verdict import Verdict
from reference_gateway.faults.asgi import Answer
from reference_gateway.faults.edits import Where
from reference_gateway.faults.exchanges import answering

from .judged import gateway_app, judge, red

NOWHERE = "/v1/gateproof-no-such-endpoint"
ENDPOINTS = {"RESP": "/v1/responses", "COMP": "/v1/completions", "EMB": "/v1/embeddings"}
CLEANLY = ("RESP-017", "COMP-019")
"""What is to be said of a gateway that has no such endpoint: how it says so."""
ANSWERS = {
    "a crash": Answer(500).with_json({"error": {"message": "x", "type": "server_error", "param": None, "code": None}}),
    "a bad gateway": Answer(502, ((b"content-type", b"text/html"),), b"<h1>Bad gateway</h1>"),
    "a page": Answer(200, ((b"content-type", b"text/html"),), b"<p>hello</p>"),
    "words": Answer(400, ((b"content-type", b"text/plain"),), b"what?"),
    "forbidden": Answer(403).with_json({"detail": "no"}),
}


def at(*paths: str) -> Where:
    return lambda asked: asked.path in paths and asked.method == "POST"


@pytest.mark.parametrize("area", ENDPOINTS)
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_what_is_answered_as_a_path_that_can_not_exist_is_not_there(area: str, answer: Answer) -> None:
    found = judge(answering(at(ENDPOINTS[area], NOWHERE), answer)(gateway_app()), area, "ERR-013")
    assert {"ERR-013"} <= {*red(found)} <= {"ERR-013", *CLEANLY}
    left = {id for id, said in found.items() if said.verdict is not Verdict.NOT_APPLICABLE}
    assert left <= {"ERR-013", *CLEANLY}


@pytest.mark.parametrize("area", ENDPOINTS)
def test_what_crashes_where_other_paths_are_unknown_is_there_and_broken(area: str) -> None:
    found = judge(answering(at(ENDPOINTS[area]), ANSWERS["a crash"])(gateway_app()), area)
    assert f"{area}-001" in red(found)
