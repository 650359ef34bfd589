"""The dialect at /v1 through the official client, against the simulator."""

import asyncio
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI, pydantic_function_tool
from pydantic import BaseModel

from .conftest import KEY

HI: Any = [{"role": "user", "content": "Say hi."}]
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class City(BaseModel):
    name: str
    inhabitants: int


def test_create(sdk: OpenAI) -> None:
    completion = sdk.chat.completions.create(model="gpt-4o", messages=HI, n=2, max_completion_tokens=5)
    assert [choice.index for choice in completion.choices] == [0, 1]
    assert completion.model == "gpt-4o"
    assert completion._request_id


def test_twenty_at_once(gateway_url: str) -> None:
    async def ask() -> list[Any]:
        async with AsyncOpenAI(base_url=f"{gateway_url}/v1/", api_key=KEY) as sdk:
            return await asyncio.gather(*(sdk.chat.completions.create(model="gpt-4o", messages=HI) for _ in range(20)))

    assert len({completion.id for completion in asyncio.run(ask())}) == 20


def test_stream(sdk: OpenAI) -> None:
    chunks = list(
        sdk.chat.completions.create(
            model="meta/llama-3.3-70b-instruct", messages=HI, stream=True, stream_options={"include_usage": True}
        )
    )
    assert len({chunk.id for chunk in chunks}) == 1
    assert {chunk.model for chunk in chunks} == {"meta/llama-3.3-70b-instruct"}
    assert chunks[-1].choices == [] and chunks[-1].usage is not None


def test_stream_helper(sdk: OpenAI) -> None:
    with sdk.chat.completions.stream(model="gpt-4o", messages=HI, tools=[TOOL], tool_choice="required") as stream:
        message = stream.get_final_completion().choices[0].message
    assert message.role == "assistant"
    assert message.tool_calls is not None and message.tool_calls[0].function.name == "weather"


def test_parse(sdk: OpenAI) -> None:
    completion = sdk.chat.completions.parse(model="gpt-4o", messages=HI, response_format=City)
    assert isinstance(completion.choices[0].message.parsed, City)


def test_parse_of_a_tool(sdk: OpenAI) -> None:
    completion = sdk.chat.completions.parse(
        model="gpt-4o", messages=HI, tools=[pydantic_function_tool(City)], tool_choice="required"
    )
    calls = completion.choices[0].message.tool_calls
    assert calls is not None and isinstance(calls[0].function.parsed_arguments, City)


def test_a_conversation_goes_on_with_what_was_received(sdk: OpenAI) -> None:
    first = sdk.chat.completions.create(model="gpt-4o", messages=HI, tools=[TOOL], tool_choice="required")
    message = first.choices[0].message
    assert message.tool_calls
    answers = [{"role": "tool", "tool_call_id": call.id, "content": "21"} for call in message.tool_calls]
    second = sdk.chat.completions.create(model="gpt-4o", messages=[*HI, message, *answers], tools=[TOOL])
    third = [*HI, second.choices[0].message, *HI]
    assert sdk.chat.completions.create(model="gpt-4o", messages=third).choices[0].message.content


def test_leaving_a_stream_does_not_break_the_next_call(sdk: OpenAI) -> None:
    with sdk.chat.completions.create(model="gpt-4o", messages=HI, stream=True) as stream:
        next(iter(stream))
    assert sdk.chat.completions.create(model="gpt-4o", messages=HI).choices


def test_completions(sdk: OpenAI) -> None:
    completion = sdk.completions.create(model="gpt-3.5-turbo-instruct", prompt=["a", "b"], max_tokens=4)
    assert [choice.index for choice in completion.choices] == [0, 1]
    chunks = list(sdk.completions.create(model="gpt-3.5-turbo-instruct", prompt="a", max_tokens=4, stream=True))
    assert {chunk.object for chunk in chunks} == {"text_completion"}


def test_embeddings(sdk: OpenAI) -> None:
    default = sdk.embeddings.create(model="text-embedding-3-small", input=["a", "b"])
    floats = sdk.embeddings.create(model="text-embedding-3-small", input="b", encoding_format="float")
    assert [each.index for each in default.data] == [0, 1]
    assert len(floats.data[0].embedding) == 1536
    assert default.data[1].embedding == pytest.approx(floats.data[0].embedding, abs=1e-6)
    assert len(sdk.embeddings.create(model="text-embedding-3-small", input="b", dimensions=8).data[0].embedding) == 8


@pytest.mark.parametrize("stream", [False, True])
def test_errors(sdk: OpenAI, stream: bool) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        sdk.chat.completions.create(model="nope", messages=HI, stream=stream)
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as bad:
        sdk.chat.completions.create(model="gpt-4o", messages=[], stream=stream)
    assert (bad.value.param, bad.value.type) == ("messages", "invalid_request_error")
    with pytest.raises(openai.AuthenticationError) as unknown:
        sdk.with_options(api_key="nope").chat.completions.create(model="gpt-4o", messages=HI, stream=stream)
    assert unknown.value.code == "invalid_api_key"


def test_nulls_and_unknown_fields_and_headers_are_survived(sdk: OpenAI) -> None:
    names = ("temperature", "top_p", "n", "stop", "seed", "stream", "stream_options", "logit_bias", "logprobs",
             "top_logprobs", "max_tokens", "max_completion_tokens", "frequency_penalty", "presence_penalty",
             "metadata", "store", "user", "tools", "tool_choice", "response_format")  # fmt: skip
    completion = sdk.chat.completions.create(
        model="gpt-4o",
        messages=HI,
        extra_body=dict.fromkeys(names) | {"x_conformance": {"a": 1}},
        extra_headers={"OpenAI-Organization": "org", "OpenAI-Project": "p", "OpenAI-Beta": "b", "traceparent": "x"},
        extra_query={"version": "2025-01-01"},
    )
    assert completion.choices
