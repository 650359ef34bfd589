"""POST /v1/chat/completions: what is refused, and which field the error names; what is accepted."""

from typing import Any

import httpx
import pytest

CHAT = "/v1/chat/completions"
USER: Any = {"role": "user", "content": "hi"}
VALID: Any = {"model": "gpt-4o", "messages": [USER], "max_tokens": 2}
TOOL: Any = {"type": "function", "function": {"name": "f"}}
CALL: Any = {"id": "call_x", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLING: Any = {"role": "assistant", "content": None, "tool_calls": [CALL]}
ANSWER: Any = {"role": "tool", "tool_call_id": "call_x", "content": "21"}
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
    "rkJggg=="
)


def image(url: object, **more: object) -> Any:
    return [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url, **more}}]}]


REFUSED_FIELDS: list[tuple[str, Any]] = [
    *(("n", value) for value in (0, -1, 1.5, "2", 129, True, 2.0)),
    *(("temperature", value) for value in (2.1, -0.1, "hot", True, [])),
    *(("top_p", value) for value in (1.1, -0.1)),
    *(("frequency_penalty", value) for value in (2.1, -2.1)),
    *(("presence_penalty", value) for value in (2.1, -2.1)),
    *(("max_tokens", value) for value in (0, -1, 1.5, "10", [], True)),
    *(("max_completion_tokens", value) for value in (0, -1, 1.5, "10", [])),
    *(("stop", value) for value in (["a"] * 5, 1, [1], {})),
    *(("seed", value) for value in (1.5, "1", 2**63)),
    *(("logit_bias", value) for value in ({"a": "b"}, {"1": "b"}, {"1": 101}, {"a": 1}, [])),
    *(("stream", value) for value in ("true", 1)),
    *(("stream_options", value) for value in (7, {}, {"include_usage": True})),
    *(("top_logprobs", value) for value in (2, 21, -1)),
    *(("logprobs", value) for value in (1, "true")),
    *(("metadata", value) for value in ([], {"a": 1}, {str(n): "" for n in range(17)}, {"a" * 65: ""})),
    *(("service_tier", value) for value in ("banana", 1)),
    *(("modalities", value) for value in (["audio"], [])),
    *(("user", value) for value in (1,)),
    *(("functions", value) for value in ([],)),
    *(("tools", value) for value in ({}, [], [1], [{**TOOL, "type": "banana"}], [{"type": "function"}])),
    *(("tools", [{"type": "function", "function": function}]) for function in (
        {}, {"name": "bad name!"}, {"name": ""}, {"name": "a" * 65}, {"name": "f", "parameters": "x"},
        {"name": "f", "strict": "yes"},
    )),
    *(("tool_choice", value) for value in ("auto", "maybe", 1)),
    *(("response_format", value) for value in (
        "json", {}, {"type": "xml"}, {"type": "json_schema"}, {"type": "json_schema", "json_schema": {"schema": {}}},
        {"type": "json_schema", "json_schema": {"name": "a", "schema": "not-an-object"}},
        {"type": "json_schema", "json_schema": {"name": "a b", "schema": {}}},
    )),
]  # fmt: skip


REQUESTS = [
    *(({**VALID, field: value}, field) for field, value in REFUSED_FIELDS),
    *(({**VALID, "stream": True, field: value}, field) for field, value in REFUSED_FIELDS if "stream" not in field),
]


@pytest.mark.parametrize(("body", "field"), REQUESTS, ids=range(len(REQUESTS)))
def test_a_bad_field_is_refused_and_named(client: httpx.Client, body: Any, field: str) -> None:
    response = client.post(CHAT, json=body)
    error = response.json()["error"]
    assert response.status_code == 400, response.text
    assert response.headers["content-type"] == "application/json"
    assert error["param"].startswith(field)
    assert error["code"]


@pytest.mark.parametrize(
    "tool_choice",
    [
        "maybe",
        {},
        {"type": "banana"},
        {"type": "function", "function": {"name": "g"}},
        {"type": "function", "function": {}},
        {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}},
    ],
)
def test_a_bad_tool_choice_is_refused(client: httpx.Client, tool_choice: Any) -> None:
    response = client.post(CHAT, json={**VALID, "tools": [TOOL], "tool_choice": tool_choice})
    assert (response.status_code, response.json()["error"]["param"].split(".")[0]) == (400, "tool_choice")


REFUSED_MESSAGES: list[Any] = [
    "hi",
    {},
    5,
    [],
    [1],
    [None],
    ["x"],
    [{"content": "x"}],
    [{"role": "banana", "content": "x"}],
    [{"role": 1, "content": "x"}],
    [{"role": "user"}],
    [{"role": "user", "content": None}],
    [{"role": "user", "content": 1}],
    [{"role": "user", "content": []}],
    [{"role": "user", "content": ["x"]}],
    [{"role": "user", "content": [{"text": "x"}]}],
    [{"role": "user", "content": [{"type": "banana"}]}],
    [{"role": "user", "content": [{"type": "text"}]}],
    [{"role": "user", "content": [{"type": "text", "text": None}]}],
    [{"role": "user", "content": "x", "name": 1}],
    [{"role": "system", "content": [{"type": "image_url", "image_url": {"url": PIXEL}}]}],
    [{"role": "assistant"}, USER],
    [{"role": "assistant", "content": None, "tool_calls": []}, USER],
    [USER, ANSWER],
    [USER, CALLING],
    [USER, CALLING, USER],
    [USER, CALLING, {**ANSWER, "tool_call_id": "call_y"}],
    [USER, CALLING, {"role": "tool", "content": "21"}],
    [USER, CALLING, {"role": "tool", "tool_call_id": "call_x"}],
    [USER, CALLING, ANSWER, USER, ANSWER],
    [USER, {**CALLING, "tool_calls": [{**CALL, "id": None}]}],
    [USER, {**CALLING, "tool_calls": [{**CALL, "function": {"name": "f", "arguments": {}}}]}, ANSWER],
    [USER, {**CALLING, "tool_calls": {}}],
    image("file:///etc/hostname"),
    image("http://conformance.invalid/x.png"),
    image("data:image/png;base64,!!!"),
    image("data:image/png;base64,"),
    image("data:text/plain;base64,aGk="),
    image(PIXEL, detail="huge"),
    image(1),
]


@pytest.mark.parametrize("messages", REFUSED_MESSAGES, ids=range(len(REFUSED_MESSAGES)))
def test_bad_messages_are_refused_and_named(client: httpx.Client, messages: Any) -> None:
    response = client.post(CHAT, json={**VALID, "messages": messages})
    assert response.status_code == 400, response.text
    assert response.json()["error"]["param"].startswith("messages")


@pytest.mark.parametrize("body", [{"model": "gpt-4o"}, {"model": "gpt-4o", "messages": None}])
def test_missing_messages_are_refused(client: httpx.Client, body: Any) -> None:
    response = client.post(CHAT, json=body)
    assert (response.status_code, response.json()["error"]["param"]) == (400, "messages")


def test_an_image_is_refused_by_a_model_without_eyes(client: httpx.Client) -> None:
    response = client.post(CHAT, json={**VALID, "model": "mock/small", "messages": image(PIXEL)})
    assert response.status_code == 400
    assert "certain models" in response.json()["error"]["message"]


ACCEPTED_MESSAGES: list[Any] = [
    [{"role": "system", "content": "x"}, {"role": "assistant", "content": "y"}, USER],
    [{"role": "developer", "content": [{"type": "text", "text": "x"}]}, {**USER, "name": "alice"}],
    [{"role": "user", "content": ""}],
    [{"role": "user", "content": [{"type": "text", "text": "Say"}, {"type": "text", "text": "OK"}]}],
    [USER, CALLING, ANSWER],
    [USER, {"role": "assistant", "tool_calls": [CALL]}, {**ANSWER, "content": [{"type": "text", "text": "21"}]}],
    [
        USER,
        {**CALLING, "tool_calls": [CALL, {**CALL, "id": "call_y"}]},
        {**ANSWER, "tool_call_id": "call_y"},
        ANSWER,
        USER,
    ],
    [
        USER,
        {"role": "assistant", "content": "x", "refusal": None, "annotations": [], "tool_calls": None, "audio": None},
        USER,
    ],
    [
        USER,
        {"role": "assistant", "content": "", "tool_calls": [], "annotations": None, "reasoning_content": None},
        USER,
    ],
    [USER, {"role": "assistant", "content": None, "refusal": "no", "function_call": None}, USER],
    image(PIXEL),
    image(PIXEL, detail="low"),
]


@pytest.mark.parametrize("messages", ACCEPTED_MESSAGES, ids=range(len(ACCEPTED_MESSAGES)))
@pytest.mark.parametrize("tools", [{}, {"tools": [TOOL]}])
def test_good_messages_are_accepted(client: httpx.Client, messages: Any, tools: Any) -> None:
    response = client.post(CHAT, json={**VALID, "messages": messages, **tools})
    assert response.status_code == 200, response.text


@pytest.mark.parametrize(
    "fields",
    [
        *({"temperature": value} for value in (0, 2, 1.5)),
        {"top_p": 1},
        {"frequency_penalty": -2, "presence_penalty": 2},
        {"stop": "e"},
        {"stop": ["e", "a", "i", "o"]},
        {"stop": []},
        {"logit_bias": {}},
        {"logit_bias": {"50256": -100}},
        {"logprobs": True, "top_logprobs": 20},
        {"stream_options": None, "stream": None},
        {"metadata": {"a": "b"}, "store": False, "service_tier": "auto", "safety_identifier": "x", "user": "y"},
        {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "f"}}},
        {"tools": [TOOL], "tool_choice": "none", "parallel_tool_calls": False},
        {"response_format": {"type": "text"}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}},
    ],
)
def test_good_fields_are_accepted(client: httpx.Client, fields: Any) -> None:
    response = client.post(CHAT, json={**VALID, **fields})
    assert response.status_code == 200, response.text


def test_a_refusal_repeats_little_of_what_was_sent(client: httpx.Client) -> None:
    long = "canary" * 2000
    bodies: list[Any] = [
        {**VALID, "service_tier": long},
        {**VALID, "messages": [{"role": long, "content": "x"}]},
        {**VALID, "metadata": {long: "x"}},
        {**VALID, "messages": [{**ANSWER, "tool_call_id": long}]},
        {**VALID, "messages": [USER, {**CALLING, "tool_calls": [{**CALL, "id": long}]}]},
    ]
    assert [len(client.post(CHAT, json=body).content) < 1000 for body in bodies] == [True] * len(bodies)
