"""Harmless variations: there are many, of all layers, and each of them shows in what is answered."""

import json
from collections.abc import Iterator

import httpx
import pytest

from reference_gateway.app import create_app
from reference_gateway.config import default_config, with_settings
from reference_gateway.faults import harmless
from reference_gateway.faults.fault import Fault, nothing
from reference_gateway.faults.serving import Stage, staged
from reference_gateway.gateway import Gateway
from reference_gateway.scripted import before, scripted
from reference_gateway.server import running

TOOLS = [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}]
REQUESTS: list[tuple[str, str, object]] = [
    ("GET", "/v1/models", None),
    ("GET", "/v1/no-such-path", None),
    *(
        ("POST", "/v1/chat/completions", {"model": "gpt-4o-mini", "seed": 1} | body)
        for body in (
            {"messages": []},
            {"messages": [{"role": "user", "content": "Tell me of the sea, the wind and the land."}]},
            {"messages": [{"role": "user", "content": "Tell me of the sea, the wind and the land."}], "stream": True},
            {"messages": [{"role": "user", "content": "Look."}], "tools": TOOLS, "tool_choice": "required"},
        )
    ),
    ("POST", "/v1/responses", {"model": "gpt-4o-mini", "input": "Tell me of the sea."}),
    ("POST", "/v1/responses", {"model": "gpt-4o-mini", "input": "Tell me of the sea.", "stream": True}),
]

FAILED = {"status": 500, "body": "{}"}
LIMITED = {"status": 429, "headers": {"Retry-After": "2"}, "body": "{}"}
OK = {"pieces": ["O", "K"]}
POINTED = {"status": 307, "headers": {"Location": "{elsewhere}"}, "body": ""}
CHATS: dict[str, tuple[str, dict[str, object], dict[str, object]]] = {
    "plain": (before.MODEL, {"answers": [OK]}, {"n": 1, "user": "a", "max_completion_tokens": 9}),
    "streamed": (before.MODEL, {"answers": [OK]}, {"stream": True}),
    "failed": (before.MODEL, {"answers": [FAILED]}, {}),
    "limited": (before.MODEL, {"answers": [LIMITED]}, {}),
    "pointed": (before.MODEL, {"answers": [POINTED]}, {}),
    "completed": (before.COMPLETIONS_MODEL, {"answers": [{"body": "{}"}]}, {}),
    "of-two": (before.FAILOVER_MODEL, {"answers": [{"then": "cut"}], "other": [OK]}, {}),
}


@pytest.fixture(scope="module")
def stage() -> Iterator[tuple[Stage, str]]:
    found = Stage()
    with running(found) as url:
        yield found, url


def answered(stage: tuple[Stage, str], fault: Fault) -> list[tuple[int, object, bytes]]:
    """Status, headers and body of the answers to all requests, where those can be told from run to run."""
    config = with_settings(default_config(), {"ttft_s": 0.0, "itl_s": 0.0})
    app = create_app(Gateway.open(config, seed=1))
    found = []
    with staged(*stage, fault, app) as url, httpx.Client(base_url=url) as client:
        for method, path, body in REQUESTS:
            answer = client.request(method, path, json=body, headers={"accept-encoding": "gzip"})
            raw = [
                (name, value) for name, value in answer.headers.raw if name.lower() not in (b"date", b"x-request-id")
            ]
            found.append((answer.status_code, raw, answer.content))
    return found


def test_there_are_variations_of_every_layer_and_no_two_have_one_name() -> None:
    assert len({each.name for each in harmless.VARIATIONS}) == len(harmless.VARIATIONS) >= 40
    assert {each.layer for each in harmless.VARIATIONS} == set(harmless.Layer)


@pytest.mark.parametrize("fault", list(harmless.alone("openai")), ids=lambda fault: fault.name)
def test_a_variation_leaves_answers_readable(fault: Fault, stage: tuple[Stage, str]) -> None:
    statuses = [status for status, _, _ in answered(stage, fault)]
    assert [status // 100 for status in statuses] == [2, 4, 4, 2, 2, 2, 2, 2]


def test_sets_of_variations_are_the_same_in_every_run() -> None:
    once, again = ([fault.name for fault in harmless.together("nemo", 5)] for _ in range(2))
    assert once == again
    assert len(set(once)) == 5


def test_streams_stay_streams_of_json(stage: tuple[Stage, str]) -> None:
    for fault in harmless.together("openai", 8):
        body = answered(stage, fault)[4][2].decode()
        data = [line[5:] for line in body.splitlines() if line.startswith("data:")]
        assert data[-1].strip() == "[DONE]"
        assert all(json.loads(line)["object"] == "chat.completion.chunk" for line in data[:-1]), fault.name


SEEN_THERE = [each for each in harmless.between() if each.behind is not nothing or each.name.startswith("failures-")]


@pytest.mark.parametrize("variation", SEEN_THERE, ids=lambda variation: variation.name)
def test_a_variation_before_a_provider_shows_at_one_of_both_sides(variation: Fault) -> None:
    assert seen_at_both_sides(variation) != seen_at_both_sides(None)


def seen_at_both_sides(variation: Fault | None) -> list[object]:
    """What comes of some scripted chats, and what their provider got, but for ids, times and addresses."""
    instant = {"ttft_s": 0.0, "itl_s": 0.0}
    provider = scripted(
        create_app(Gateway.open(with_settings(default_config(), instant), tokens=["sk-p"], seed=1)), "sk-p"
    )
    behind, front = (variation.behind or nothing, variation.wrap) if variation else (nothing, nothing)
    found: list[object] = []
    with running(behind(provider)) as up:
        app = front(create_app(Gateway.open(before.config(f"{up}/v1", "sk-p"), seed=1)))
        with running(app) as url, httpx.Client() as client:
            for name, (model, script, fields) in CHATS.items():
                prompt = f"[[gateproof:{json.dumps({'id': name, **script})}]]"
                asked: dict[str, object] = {"messages": [{"role": "user", "content": prompt}]}
                path = "/v1/chat/completions"
                if model == before.COMPLETIONS_MODEL:
                    asked, path = {"prompt": prompt}, "/v1/completions"
                answer = client.post(f"{url}{path}", json={"model": model, **asked, **fields})
                kept = client.get(f"{up}/gateproof/scripts/{name}?wait_s=2", headers={"Authorization": "Bearer sk-p"})
                rows = kept.json()["received"]
                found.append((answer.status_code, answer.headers.get("retry-after"), "unavailable" in answer.text))
                found += [(row["body"], sorted(k for k, _ in row["headers"]), row["ended"]) for row in rows]
    return found
