import json
import threading

import httpx
import pytest
from openai import APIError, OpenAI

from .scripted import Hanging, Scripted, chunk, gateway_before, refusal

BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "stream": True}
PATHS = [
    ("/v1/chat/completions", "gpt-4o"),
    ("/ml/gateway/v1/chat/completions", "gpt-4o"),
    ("/apis/inference-gateway/v2/workspaces/default/openai/-/v1/chat/completions", "default/gpt-4o-mini"),
    ("/apis/inference-gateway/v2/workspaces/default/model/gpt-4o-mini/-/v1/chat/completions", "default/gpt-4o-mini"),
    ("/apis/inference-gateway/v2/workspaces/default/provider/openai/-/v1/chat/completions", "gpt-4o"),
]


@pytest.mark.parametrize(("path", "model"), PATHS)
def test_a_stream_is_framed_as_one_line_events_that_end_in_done(path: str, model: str) -> None:
    with gateway_before(Scripted(chunk("é\u2028\n"), chunk("b"))) as url:
        response = httpx.post(url + path, json={**BODY, "model": model})
    events = response.content.split(b"\n\n")
    assert events[2:] == [b"data: [DONE]", b""]
    assert response.content.isascii() and events[0].count(b"\n") == 0
    assert [json.loads(event[6:])["choices"][0]["delta"]["content"] for event in events[:2]] == ["é\u2028\n", "b"]
    assert {json.loads(event[6:])["model"] for event in events[:2]} == {model}


def test_the_headers_of_a_stream() -> None:
    with gateway_before(Scripted(chunk("a"))) as url:
        headers = httpx.post(f"{url}/v1/chat/completions", json=BODY, headers={"accept": "application/json"}).headers
    assert headers["content-type"].partition(";")[0] == "text/event-stream"
    assert (headers["cache-control"], headers["x-accel-buffering"]) == ("no-cache", "no")
    assert "content-length" not in headers


def test_chunks_are_sent_as_they_are_made() -> None:
    with (
        gateway_before(Hanging(chunk("a"), chunk("b"))) as url,
        httpx.stream("POST", f"{url}/v1/chat/completions", json=BODY) as response,
    ):
        lines = response.iter_lines()
        assert [next(lines)[:6], next(lines), next(lines)[:6]] == ["data: ", "", "data: "]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("path", "model"), PATHS)
def test_a_backend_that_fails_at_once_is_a_plain_error(path: str, model: str, stream: bool) -> None:
    with gateway_before(Scripted(refusal())) as url:
        response = httpx.post(url + path, json={**BODY, "model": model, "stream": stream})
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")
    assert response.headers["content-type"] == "application/json"
    assert "Slow down." in response.text


def test_a_stream_without_a_chunk_is_an_error() -> None:
    with gateway_before(Scripted()) as url:
        assert httpx.post(f"{url}/v1/chat/completions", json=BODY).status_code == 502


@pytest.mark.parametrize("failure", [refusal(), ZeroDivisionError("a defect of ours")])
@pytest.mark.parametrize(("path", "model"), PATHS)
def test_a_failure_after_the_first_chunk_is_one_error_event_and_no_done(
    path: str, model: str, failure: Exception
) -> None:
    with gateway_before(Scripted(chunk("a"), failure)) as url:
        response = httpx.post(url + path, json={**BODY, "model": model})
    first, last, rest = response.content.split(b"\n\n")
    assert b'"content":"a"' in first
    assert set(json.loads(last.removeprefix(b"data: "))["error"]) == {"message", "type", "param", "code"}
    assert rest == b"" and b"defect" not in last


def test_the_sdk_raises_on_a_failure_inside_a_stream() -> None:
    with gateway_before(Scripted(chunk("a"), refusal())) as url, OpenAI(base_url=f"{url}/v1", api_key="x") as sdk:
        stream = iter(sdk.chat.completions.create(model="gpt-4o", messages=BODY["messages"], stream=True))
        assert next(stream).choices[0].delta.content == "a"
        with pytest.raises(APIError, match="Slow down"):
            next(stream)


def test_a_defect_of_ours_is_a_500_that_tells_nothing() -> None:
    with gateway_before(Scripted(ZeroDivisionError("secret"))) as url:
        response = httpx.post(f"{url}/v1/chat/completions", json=BODY)
    assert (response.status_code, response.json()["error"]["type"]) == (500, "server_error")
    assert "secret" not in response.text and "x-request-id" in response.headers


def test_a_client_that_leaves_a_stream_stops_the_backend() -> None:
    backend = Hanging(chunk("a"))
    with gateway_before(backend) as url, httpx.Client() as client:
        with client.stream("POST", f"{url}/v1/chat/completions", json=BODY) as response:
            lines = response.iter_lines()
            next(lines)
            assert not backend.abandoned.is_set()
        assert backend.abandoned.wait(5)


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_gives_up_waiting_stops_the_backend(stream: bool) -> None:
    backend = Hanging()
    with gateway_before(backend) as url:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{url}/v1/chat/completions", json={**BODY, "stream": stream}, timeout=0.2)
        assert backend.abandoned.wait(5)


@pytest.mark.parametrize("stream", [True, False])
def test_shutdown_ends_what_does_not_drain_and_closes_the_backends(stream: bool) -> None:
    backend = Hanging()
    answers: list[httpx.Response] = []

    def wait_for_an_answer(url: str) -> None:
        answers.append(httpx.post(f"{url}/v1/chat/completions", json={**BODY, "stream": stream}, timeout=20))

    with gateway_before(backend, drain_timeout_s=0.1) as url:
        waiting = threading.Thread(target=wait_for_an_answer, args=(url,))
        waiting.start()
        while not backend.calls:
            waiting.join(0.01)
    waiting.join(10)
    assert backend.abandoned.is_set() and backend.closed.is_set()
    assert [(each.status_code, each.json()["error"]["type"]) for each in answers] == [(503, "server_error")]


def test_a_backend_gets_its_own_name_and_the_body_as_it_was() -> None:
    backend = Scripted(chunk("a"))
    with gateway_before(backend) as url:
        httpx.post(f"{url}/ml/gateway/v1/chat/completions", json={**BODY, "model": "azure/gpt-4o", "x": [None]})
    call = backend.calls[0]
    assert (call.served_model, call.body) == ("gpt-4o", {**BODY, "model": "azure/gpt-4o", "x": [None]})
