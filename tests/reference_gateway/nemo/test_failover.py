"""Several providers of one entity: an available one is taken, one that is down is skipped for a while."""

import socket
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from reference_gateway.config import Config, default_config, parse, with_settings
from reference_gateway.server import running, running_gateway

from ..conftest import KEY
from .conftest import INFERENCE, SERVICE, Start
from .waiting import eventually

BODY: Any = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 2, "model": "shared"}
CHAT = f"{INFERENCE}/default/openai/-/v1/chat/completions"
CONFIG = """
retry_interval_s = {retry}
[nemo]
rule = "{rule}"
[[workspaces]]
name = "default"
entities = [{{ name = "shared", model = "shared/model" }}]
[[providers]]
name = "down"
type = "upstream"
base_url = "http://127.0.0.1:{port}/v1"
api_key = "{key}"
[[providers.models]]
id = "far"
alias = "shared/model"
served_name = "gpt-4o"
[[providers]]
name = "works"
type = "simulator"
[[providers.models]]
id = "near"
alias = "shared/model"
"""


def config(port: int, rule: str = "published", retry: float = 5) -> Config:
    return parse(CONFIG.format(port=port, rule=rule, retry=retry, key=KEY))


@pytest.mark.parametrize("stream", [False, True])
def test_a_provider_that_can_not_be_reached_is_skipped(start: Start, closed_port: int, stream: bool) -> None:
    client = start(config(closed_port))
    for _ in range(20):
        response = client.post(CHAT, json={**BODY, "stream": stream})
        assert response.status_code == 200 and '"model":"default/shared"' in response.text
    other = {**BODY, "model": "gpt-4o"}
    refused = client.post(f"{INFERENCE}/default/provider/down/-/v1/chat/completions", json=other)
    assert (refused.status_code, list(refused.json())) == (502, ["detail"])


def test_the_deployed_rule_asks_the_first_and_no_other(start: Start, closed_port: int) -> None:
    client = start(config(closed_port, "deployed"))
    assert [client.post(CHAT, json=BODY).status_code for _ in range(5)] == [502] * 5


def test_a_provider_is_asked_again_when_it_is_back(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    client = start(config(port, retry=0.05))
    assert {client.post(CHAT, json=BODY).status_code for _ in range(10)} == {200}
    with running_gateway(tokens=[KEY], port=port):
        client.put(f"{SERVICE}/default/providers/works/status", json={"status": "ERROR"})
        eventually(lambda: client.post(CHAT, json=BODY).status_code == 200)


def test_a_status_takes_a_provider_out(start: Start, closed_port: int) -> None:
    client = start(config(closed_port))
    for name in ("works", "down"):
        changed = client.put(f"{SERVICE}/default/providers/{name}/status", json={"status": "LOST"})
        assert changed.json()["status"] == "LOST"
    response = client.post(CHAT, json=BODY)
    assert (response.status_code, list(response.json())) == (503, ["detail"])
    client.put(f"{SERVICE}/default/providers/works/status", json={"status": "READY"})
    assert client.post(CHAT, json=BODY).status_code == 200


def test_several_that_are_up_share_the_load(start: Start, gateway_url: str) -> None:
    client = start(config(int(gateway_url.rsplit(":", 1)[1])))
    path = "/ml/gateway/v1/chat/completions"
    answered = [client.post(path, json={**BODY, "model": "shared/model"}).json()["model"] for _ in range(40)]
    assert set(answered) == {"near", "far"}
    assert answered != ["near", "far"] * 20 and answered != ["far", "near"] * 20


def test_a_broken_answer_is_not_asked_for_twice(start: Start, closing_port: int) -> None:
    client = start(config(closing_port, retry=0.01))
    statuses = {client.post(CHAT, json=BODY).status_code for _ in range(30)}
    assert statuses == {200, 502}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("status", "seen"), [(500, {200}), (429, {200}), (401, {200}), (400, {200, 400}), (504, {200, 504})]
)
def test_who_can_not_do_it_now_is_skipped_and_who_may_have_done_it_is_not(
    start: Start, status: int, seen: set[int], stream: bool
) -> None:
    """400 says that nobody can, 504 that it may be under way still."""

    async def failing(_: Request) -> JSONResponse:
        return JSONResponse({"error": {"message": "no"}}, status)

    with running(Starlette(routes=[Route("/v1/chat/completions", failing, methods=["POST"])])) as url:
        client = start(config(int(url.rsplit(":", 1)[1])))
        assert {client.post(CHAT, json={**BODY, "stream": stream}).status_code for _ in range(30)} == seen


def test_the_list_does_not_blink(start: Start, closed_port: int) -> None:
    client = start(config(closed_port))
    listed = {
        client.get(f"{INFERENCE}/default/openai/-/v1/models").text for _ in range(3) if client.post(CHAT, json=BODY)
    }
    assert len(listed) == 1


def test_a_stream_outlives_its_provider(start: Start) -> None:
    slow = with_settings(default_config(), {"itl_s": 0.05})
    with running_gateway(slow, tokens=[KEY]) as url:
        front = start(config(int(url.rsplit(":", 1)[1])))
        front.put(f"{SERVICE}/default/providers/works/status", json={"status": "ERROR"})
        with front.stream("POST", CHAT, json={**BODY, "max_tokens": 10, "stream": True}) as response:
            lines = response.iter_lines()
            next(lines)
            assert front.delete(f"{SERVICE}/default/providers/down").status_code == 204
            assert [line for line in lines if line][-1] == "data: [DONE]"
        assert front.post(CHAT, json=BODY).status_code == 503
