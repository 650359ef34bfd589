"""The shapes in which the live gateway was recorded."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from openai import OpenAI

from reference_gateway.config import Shapes, default_config, with_settings
from reference_gateway.server import running_gateway

HI: Any = [{"role": "user", "content": "hi"}]
TOOL: Any = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    config = replace(with_settings(default_config(), {"ttft_s": 0.0, "itl_s": 0.0}), watsonx_shapes=Shapes.RECORDED)
    with running_gateway(config) as url:
        yield f"{url}/ml/gateway/v1"


def chunks(url: str, **more: Any) -> list[Any]:
    body = {"model": "gpt-4o", "messages": HI, "stream": True, "max_tokens": 5, **more}
    lines = httpx.post(f"{url}/chat/completions", json=body).text.split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    return [json.loads(line.removeprefix("data: ")) for line in lines[:-2]]


def test_a_whole_answer_has_nulls_and_empty_strings(url: str) -> None:
    body = httpx.post(f"{url}/chat/completions", json={"model": "azure/gpt-4o", "messages": HI}).json()
    hexes = "[0-9a-f-]{36}"
    assert re.fullmatch(f"chatcmpl-{hexes}---[0-9a-f]{{32}}---{hexes}", body["id"])
    assert (body["model"], body["service_tier"], body["system_fingerprint"], body["cached"]) == (
        "gpt-4o",
        None,
        "",
        False,
    )
    choice = body["choices"][0]
    assert (choice["message"]["refusal"], choice["message"]["tool_calls"], choice["logprobs"]) == ("", None, None)


def test_a_stream_has_empty_finish_reasons_and_a_usage_chunk_with_a_choice(url: str) -> None:
    found = chunks(url, stream_options={"include_usage": True})
    assert [each["choices"][0]["finish_reason"] for each in found[-2:]] == ["length", ""]
    assert {each["choices"][0]["finish_reason"] for each in found[:-2]} == {""}
    assert len({each["id"] for each in found}) == 1
    assert [each["usage"] is None for each in found] == [True] * (len(found) - 1) + [False]
    assert all(each["cached"] is False and each["system_fingerprint"] is None for each in found)


def test_pieces_of_a_tool_call_name_nothing_twice(url: str) -> None:
    found = chunks(url, tools=[TOOL], tool_choice="required")
    calls = [call for each in found for call in each["choices"][0]["delta"].get("tool_calls", ())]
    assert len(calls) > 1
    assert calls[0]["id"] and calls[0]["function"]["name"] == "f"
    assert {(call["id"], call["function"]["name"]) for call in calls[1:]} == {("", "")}
    assert {each["choices"][0]["delta"]["content"] for each in found} == {""}


def test_an_error_has_a_code_and_a_message(url: str) -> None:
    response = httpx.post(f"{url}/chat/completions", json={"model": "nope", "messages": HI})
    assert (response.status_code, set(response.json()["error"])) == (404, {"code", "message"})


def test_other_endpoints_say_whether_they_were_cached(url: str) -> None:
    completion = httpx.post(f"{url}/completions", json={"model": "gpt-4o", "prompt": "a", "max_tokens": 2}).json()
    assert completion["cached"] is False
    streamed = httpx.post(
        f"{url}/completions", json={"model": "gpt-4o", "prompt": "a", "max_tokens": 2, "stream": True}
    )
    assert '"cached":false' in streamed.text


def test_the_sdk_reads_them(url: str) -> None:
    with OpenAI(base_url=url, api_key="x", max_retries=0) as sdk:
        whole = sdk.chat.completions.create(model="gpt-4o", messages=HI)
        assert whole.choices[0].message.content
        stream = sdk.chat.completions.create(
            model="gpt-4o", messages=HI, stream=True, stream_options={"include_usage": True}
        )
        found = list(stream)
        assert found[-1].usage and "".join(each.choices[0].delta.content or "" for each in found)
        embedded = sdk.embeddings.create(model="text-embedding-3-small", input="a")
        assert len(embedded.data[0].embedding) == 1536
