"""A response whose provider breaks off: it is told as failed, and never as completed."""

import json

import httpx

from conformance.sending.upstream import marker
from reference_gateway.scripted import before
from tests.conformance.suites.ups.test_ups import KEY, standing

HEADERS = {"authorization": f"Bearer {KEY}"}


def events(script: str) -> list[dict[str, object]]:
    with standing() as (url, _):
        body = {"model": before.MODEL, "input": f"Hi {script}", "stream": True}
        text = httpx.post(f"{url}/responses", json=body, headers=HEADERS, timeout=10).text
    return [json.loads(line.removeprefix("data: ")) for line in text.split("\n") if line.startswith("data: ")]


def test_a_stream_that_is_cut_ends_with_a_failed_response() -> None:
    told = events(marker("cut-1", {"pieces": ["One ", "two ", "three"], "events": 3, "then": "cut"}))
    types = [event["type"] for event in told]
    assert types[-1] == "response.failed"
    assert "response.completed" not in types
    assert [event["sequence_number"] for event in told] == list(range(len(told)))
    response = told[-1]["response"]
    assert isinstance(response, dict)
    assert response["status"] == "failed"
    assert response["error"]["code"] == "server_error"
    assert response["output"][0]["content"][0]["text"] == "One two "


def test_a_stream_that_is_whole_says_what_its_provider_says() -> None:
    told = events(marker("whole-1", {"pieces": ["One ", "two ", "three"]}))
    deltas = [event["delta"] for event in told if event["type"] == "response.output_text.delta"]
    assert (deltas, told[-1]["type"]) == (["One ", "two ", "three"], "response.completed")
