"""The Responses API of the bundled gateway, used as programs use it: with the official SDK, and with plain requests."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from pydantic import BaseModel

import schemas
from reference_gateway.config import default_config, with_settings
from reference_gateway.server import running_gateway

KEY, OTHER = "sk-responses-0123456789", "sk-responses-other-0123456789"
MODEL = "gpt-4o-mini"
TOOL: Any = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
FORCED: Any = {"type": "function", "name": "get_weather"}


class City(BaseModel):
    name: str
    people: int


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    instant = with_settings(default_config(), {"ttft_s": 0.0, "itl_s": 0.0})
    with running_gateway(instant, tokens=(KEY, OTHER)) as origin:
        yield f"{origin}/v1"


@pytest.fixture(scope="module")
def client(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=url, api_key=KEY, max_retries=0)


def post(url: str, key: str | None = KEY, **fields: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    body = {"model": MODEL, "input": "Say OK."} | fields
    sent = {name: value for name, value in body.items() if value is not None}
    return httpx.post(f"{url}/responses", json=sent, headers=headers, timeout=10)


def events(url: str, **fields: Any) -> list[dict[str, Any]]:
    found = []
    for block in post(url, stream=True, **fields).text.split("\n\n"):
        if block:
            name, data = block.split("\n")
            found.append(json.loads(data.removeprefix("data: ")))
            assert name == f"event: {found[-1]['type']}"
    return found


# The SDK


def test_create_returns_a_response_exactly_as_specified(client: openai.OpenAI) -> None:
    response = client.responses.create(model=MODEL, input="Say OK.", instructions="Be brief.", max_output_tokens=64)
    assert response.output_text
    assert response.instructions == "Be brief."
    assert schemas.violations("response.strict", response.model_dump(mode="json"), limit=50) == []


def test_the_stream_helper_ends_with_the_text_of_its_deltas(client: openai.OpenAI) -> None:
    with client.responses.stream(model=MODEL, input="Say OK.") as stream:
        deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
        final = stream.get_final_response()
    assert len(deltas) > 1
    assert "".join(deltas) == final.output_text


def test_an_answer_is_parsed_into_a_class(client: openai.OpenAI) -> None:
    response = client.responses.parse(model=MODEL, input="How many people live in Oslo?", text_format=City)
    assert isinstance(response.output_parsed, City)


def test_a_function_is_called_and_its_result_is_given_back(client: openai.OpenAI) -> None:
    asked: list[Any] = [{"role": "user", "content": "What is the weather in Oslo?"}]
    first = client.responses.create(model=MODEL, input=asked, tools=[TOOL], tool_choice=FORCED)
    [call] = [item for item in first.output if item.type == "function_call"]
    assert isinstance(json.loads(call.arguments)["city"], str)
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}
    second = client.responses.create(model=MODEL, input=[*asked, *first.output, result], tools=[TOOL])
    assert second.status == "completed"


def test_the_helper_puts_a_function_call_together(client: openai.OpenAI) -> None:
    with client.responses.stream(model=MODEL, input="Weather?", tools=[TOOL], tool_choice=FORCED) as stream:
        pieces = [event.delta for event in stream if event.type == "response.function_call_arguments.delta"]
        final = stream.get_final_response()
    [call] = final.output
    assert call.type == "function_call"
    assert call.arguments == "".join(pieces)


def test_a_response_is_kept_gone_on_from_and_deleted(client: openai.OpenAI) -> None:
    first = client.responses.create(model=MODEL, input="My name is Ann.", instructions="Be brief.")
    assert client.responses.retrieve(first.id).output_text == first.output_text
    second = client.responses.create(model=MODEL, input="What is my name?", previous_response_id=first.id)
    assert second.previous_response_id == first.id
    assert second.usage is not None and first.usage is not None
    assert second.usage.input_tokens > first.usage.input_tokens
    client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(first.id)


# What is on the wire


def test_a_stream_has_its_events_in_order(url: str) -> None:
    told = events(url)
    types = [event["type"] for event in told]
    deltas = [type for type in types if type == "response.output_text.delta"]
    assert types == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        *deltas,
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event["sequence_number"] for event in told] == list(range(len(told)))
    assert [seen for event in told for seen in schemas.violations("response_event", event)] == []
    assert schemas.violations("response.strict", told[-1]["response"], limit=50) == []


@pytest.mark.parametrize("stream", [False, True])
def test_a_cap_makes_it_incomplete(url: str, stream: bool) -> None:
    fields: dict[str, Any] = {"input": "Write a long essay.", "max_output_tokens": 16}
    last = events(url, **fields)[-1] if stream else {"type": None, "response": post(url, **fields).json()}
    assert last["type"] == ("response.incomplete" if stream else None)
    assert last["response"]["status"] == "incomplete"
    assert last["response"]["incomplete_details"] == {"reason": "max_output_tokens"}
    assert last["response"]["usage"]["output_tokens"] == 16


@pytest.mark.parametrize(
    "given",
    [
        [{"role": "user", "content": "Hi"}],
        [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}],
        [
            {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": [{"type": "output_text", "text": "Hello", "annotations": []}]},
            {"role": "user", "content": "Bye"},
        ],
        [
            {"role": "user", "content": "Weather?"},
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
            {"type": "function_call", "call_id": "c2", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "rain"},
            {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "sun"}]},
        ],
    ],
    ids=["a message", "parts", "a conversation", "two calls"],
)
def test_all_forms_of_input_are_taken(url: str, given: Any) -> None:
    assert post(url, input=given).json()["status"] == "completed"


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"model": "no-such-model"}, 404, "model"),
        ({"model": None}, 400, "model"),
        ({"input": None}, 400, "input"),
        ({"input": 7}, 400, "input"),
        ({"input": []}, 400, "input"),
        ({"input": [{"role": "user"}]}, 400, "input[0].content"),
        ({"input": [{"role": "nobody", "content": "Hi"}]}, 400, "input[0].role"),
        ({"input": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]}, 400, "input[0].content[0].type"),
        ({"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]}, 400, "input"),
        ({"max_output_tokens": 15}, 400, "max_output_tokens"),
        ({"max_output_tokens": "many"}, 400, "max_output_tokens"),
        ({"temperature": "hot"}, 400, "temperature"),
        ({"stream": "yes"}, 400, "stream"),
        ({"store": "no"}, 400, "store"),
        ({"background": True}, 400, "background"),
        ({"previous_response_id": "resp_none"}, 400, "previous_response_id"),
        ({"tools": [{"type": "web_search"}]}, 400, "tools[0].type"),
        ({"tools": [TOOL], "tool_choice": {"type": "function"}}, 400, "tool_choice.name"),
        ({"text": {"format": {"type": "json_schema", "name": "x"}}}, 400, "text.format.schema"),
        ({"text": {"format": {"type": "xml"}}}, 400, "text.format.type"),
    ],
)
@pytest.mark.parametrize("stream", [None, True])
def test_what_is_wrong_is_refused_at_its_place(
    url: str, fields: dict[str, Any], status: int, param: str, stream: bool | None
) -> None:
    refused = post(url, **{"stream": stream} | fields)
    assert refused.status_code == status
    assert schemas.violations("error.strict", refused.json()) == []
    assert refused.json()["error"]["param"] == param


def test_a_key_is_needed(url: str) -> None:
    assert post(url, key=None).status_code == 401
    assert httpx.get(f"{url}/responses/resp_none").status_code == 401


def test_what_is_not_stored_and_what_others_stored_is_not_found(url: str) -> None:
    mine, unkept = post(url).json()["id"], post(url, store=False).json()["id"]
    for id, key, status in ((mine, KEY, 200), (mine, OTHER, 404), (unkept, KEY, 404), ("resp_none", KEY, 404)):
        found = httpx.get(f"{url}/responses/{id}", headers={"authorization": f"Bearer {key}"})
        assert found.status_code == status
    assert post(url, key=OTHER, previous_response_id=mine).status_code == 400


def test_json_is_answered_where_it_is_asked_for(url: str) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    for wanted in ({"type": "json_object"}, {"type": "json_schema", "name": "n", "schema": schema}):
        answer = post(url, input="Answer in JSON.", text={"format": wanted}).json()
        assert isinstance(json.loads(answer["output"][0]["content"][0]["text"]), dict)
        assert answer["text"]["format"] == wanted
