"""The OpenAI SDK, unmodified, on each of the three dialects."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

from .conftest import ANSWERS_AS, BASES, CHAT_MODELS, KEY

HI: Any = [{"role": "user", "content": "hi"}]
EMBEDDING_MODELS = {**dict.fromkeys(BASES, "text-embedding-3-small"), "nemo": "default/text-embedding-3-small"}


class City(BaseModel):
    name: str
    people: int


@pytest.fixture(params=BASES)
def dialect(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def sdk(gateway_url: str, dialect: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=gateway_url + BASES[dialect], api_key=KEY, max_retries=0, timeout=20) as sdk:
        yield sdk


def test_models_are_listed_and_found(sdk: OpenAI) -> None:
    ids = [model.id for model in sdk.models.list()]
    assert ids and [sdk.models.retrieve(each).id for each in ids] == ids


def test_a_chat_whole_and_streamed(sdk: OpenAI, dialect: str) -> None:
    model = CHAT_MODELS[dialect]
    whole = sdk.chat.completions.create(model=model, messages=HI)
    assert (whole.model, bool(whole.choices[0].message.content)) == (ANSWERS_AS[dialect], True)
    chunks = list(
        sdk.chat.completions.create(model=model, messages=HI, stream=True, stream_options={"include_usage": True})
    )
    assert {chunk.model for chunk in chunks} == {ANSWERS_AS[dialect]}
    assert chunks[-1].usage and chunks[-1].choices == []


def test_the_stream_helper(sdk: OpenAI, dialect: str) -> None:
    with sdk.chat.completions.stream(model=CHAT_MODELS[dialect], messages=HI) as stream:
        deltas = [event.delta for event in stream if event.type == "content.delta"]
        final = stream.get_final_completion()
    assert "".join(deltas) == final.choices[0].message.content
    assert final.choices[0].finish_reason == "stop"


def test_parsed_answers_and_tools(sdk: OpenAI, dialect: str) -> None:
    parsed = sdk.chat.completions.parse(model=CHAT_MODELS[dialect], messages=HI, response_format=City)
    assert isinstance(parsed.choices[0].message.parsed, City)
    tool = openai.pydantic_function_tool(City)
    called = sdk.chat.completions.parse(model=CHAT_MODELS[dialect], messages=HI, tools=[tool], tool_choice="required")
    calls = called.choices[0].message.tool_calls
    assert calls and isinstance(calls[0].function.parsed_arguments, City)


def test_a_raw_response(sdk: OpenAI, dialect: str) -> None:
    raw = sdk.chat.completions.with_raw_response.create(model=CHAT_MODELS[dialect], messages=HI)
    assert (raw.http_response.status_code, raw.headers["content-type"]) == (200, "application/json")
    assert json.loads(raw.http_response.content)["id"] == raw.parse().id
    assert raw.headers["x-request-id"].startswith("req_")


def test_embeddings(sdk: OpenAI, dialect: str) -> None:
    answer = sdk.embeddings.create(model=EMBEDDING_MODELS[dialect], input=["a", "b"])
    assert [(each.index, len(each.embedding)) for each in answer.data] == [(0, 1536), (1, 1536)]


def test_async(gateway_url: str, dialect: str) -> None:
    async def main() -> list[str]:
        async with AsyncOpenAI(base_url=gateway_url + BASES[dialect], api_key=KEY, max_retries=0, timeout=20) as sdk:

            async def one() -> str:
                stream = await sdk.chat.completions.create(model=CHAT_MODELS[dialect], messages=HI, stream=True)
                return "".join([each.choices[0].delta.content or "" async for each in stream if each.choices])

            return await asyncio.gather(*(one() for _ in range(20)))

    assert all(asyncio.run(main()))


ERRORS: Any = {
    "openai": ("nope", openai.NotFoundError),
    "watsonx": ("nope", openai.NotFoundError),
    "nemo": ("meta/llama-3.3-70b-instruct", openai.UnprocessableEntityError),
}


@pytest.mark.parametrize("stream", [False, True])
def test_errors_are_the_sdks(sdk: OpenAI, dialect: str, stream: bool) -> None:
    model, kind = ERRORS[dialect]
    with pytest.raises(kind):
        sdk.chat.completions.create(model=model, messages=HI, stream=stream)
    with pytest.raises(openai.AuthenticationError):
        sdk.with_options(api_key="wrong").models.list()
