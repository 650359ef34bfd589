"""What breaks clients: one defect in an otherwise exact document is one violation, told at its place."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

import schemas

GONE = object()  # the member is left out

good = json.loads(Path(__file__).with_name("good.json").read_text(encoding="utf-8"))


def sample(schema: str, like: str) -> Any:
    """The first good document of this schema whose description starts like this."""
    return next(case["document"] for case in good if case["schema"] == schema and case["like"].startswith(like))


tools = "the specification, with tool calls"
logprobs = "the specification, with log-probabilities"
first_call = "the specification's first delta of a tool call"
function_call = "the specification, a function call"
chat, chunk, message, call = "chat_completion", "chat_chunk", "chat_message", "tool_call"

# schema, which good document, where, what stands there instead; and where it is told, if elsewhere
broken: list[tuple[Any, ...]] = [
    ("response", "", "", []),
    ("response", "", "id", ""),
    ("response", "", "object", "chat.completion"),
    ("response", "", "created_at", "1741476542"),
    ("response", "", "created_at", GONE),
    ("response", "", "status", "done"),
    ("response", "", "model", None),
    ("response", "", "output", GONE),
    ("response", "", "output", {}),
    ("response", "", "output[0].type", GONE),
    ("response", "", "error", "none"),
    ("response", "", "incomplete_details", "none"),
    ("response", "", "usage", 5),
    ("response_item", "", "", "text"),
    ("response_item", "", "role", "user"),
    ("response_item", "", "content", "Hi"),
    ("response_item", "", "content[0].type", GONE),
    ("response_item", "", "content[0].text", None),
    ("response_item", "", "content[1].refusal", GONE),
    ("response_item", function_call, "call_id", GONE),
    ("response_item", function_call, "call_id", ""),
    ("response_item", function_call, "name", None),
    ("response_item", function_call, "arguments", {}),
    ("response_usage", "", "", None),
    ("response_usage", "", "input_tokens", GONE),
    ("response_usage", "", "output_tokens", -1),
    ("response_usage", "", "total_tokens", "123"),
    (chat, "", "", []),
    (chat, "", "", "text"),
    (chat, "", "", None),
    (chat, "", "id", GONE),
    (chat, "", "id", ""),
    (chat, "", "id", 7),
    (chat, "", "object", GONE),
    (chat, "", "object", "text_completion"),
    (chat, "", "created", GONE),
    (chat, "", "created", "1741569952"),
    (chat, "", "created", "1741569952.5"),
    (chat, "", "created", 1741569952.5),
    (chat, "", "created", True),
    (chat, "", "created", -1),
    (chat, "", "model", None),
    (chat, "", "model", ""),
    (chat, "", "choices", GONE),
    (chat, "", "choices", None),
    (chat, "", "choices", []),
    (chat, "", "choices", {"0": {}}),
    (chat, "", "choices[0]", None),
    (chat, "", "choices[0].index", GONE),
    (chat, "", "choices[0].index", "0"),
    (chat, "", "choices[0].index", -1),
    (chat, "", "choices[0].index", False),
    (chat, "", "choices[0].message", GONE),
    (chat, "", "choices[0].message", None),
    (chat, "", "choices[0].message", "Hello"),
    (chat, "", "choices[0].message.role", GONE),
    (chat, "", "choices[0].message.role", "user"),
    (chat, "", "choices[0].message.content", 5),
    (chat, "", "choices[0].message.content", [{"type": "text", "text": "Hello"}]),
    (chat, "", "choices[0].message.content", {"text": "Hello"}),
    (chat, "", "choices[0].message.content", GONE),
    (chat, "", "choices[0].message.refusal", False),
    (chat, "", "choices[0].finish_reason", GONE),
    (chat, "", "choices[0].finish_reason", None),
    (chat, "", "choices[0].finish_reason", "eos_token"),
    (chat, "", "choices[0].finish_reason", ""),
    (chat, "", "choices[0].logprobs", []),
    (chat, "", "choices[0].logprobs", {"refusal": None}, "choices[0].logprobs.content"),
    (chat, "", "usage", {}, "usage.completion_tokens", "usage.prompt_tokens", "usage.total_tokens"),
    (chat, "", "usage", 29),
    (chat, "", "usage.prompt_tokens", "19"),
    (chat, "", "usage.completion_tokens", -1),
    (chat, "", "usage.total_tokens", GONE),
    (chat, "", "usage.total_tokens", None),
    (chat, "", "usage.prompt_tokens_details", 0),
    (chat, "", "usage.completion_tokens_details.reasoning_tokens", 1.5),
    (chat, "", "system_fingerprint", 7),
    (chat, "", "service_tier", 1),
    (chat, "", "", {"error": {"message": "x", "type": "y"}}, "choices", "created", "id", "model", "object"),
    (chat, tools, "choices[0].message.tool_calls", {}),
    (chat, tools, "choices[0].message.tool_calls[0].function.arguments", {"a": 1}),
    (chat, tools, "choices[0].message.tool_calls[0].function.arguments", None),
    (chat, tools, "choices[0].message.tool_calls[0].function.name", ""),
    (chat, tools, "choices[0].message.tool_calls[0].id", GONE),
    (chat, tools, "choices[0].message.tool_calls[1].custom.input", {"q": 1}),
    (chat, logprobs, "choices[0].logprobs.content", "é"),
    (chat, logprobs, "choices[0].logprobs.content[0].logprob", None),
    (chat, logprobs, "choices[0].logprobs.content[0].logprob", "-0.31"),
    (chat, logprobs, "choices[0].logprobs.content[0].token", 5),
    (chat, logprobs, "choices[0].logprobs.content[0].bytes", "w6k="),
    (chat, logprobs, "choices[0].logprobs.content[0].bytes[1]", 256),
    (chat, logprobs, "choices[0].logprobs.content[0].top_logprobs", {"é": -0.31}),
    (chat, logprobs, "choices[0].logprobs.content[0].top_logprobs[0].token", GONE),
    (chat, logprobs, "choices[1].index", None),
    (message, "", "annotations", "none"),
    (message, "", "annotations[0]", "https://x.org"),
    (message, "", "audio", "AAAA"),
    (message, "", "reasoning_content", ["hmm"]),
    (message, "the deprecated", "function_call.arguments", {}),
    (message, "the deprecated", "function_call.name", GONE),
    (call, "", "", "get_weather"),
    (call, "", "id", ""),
    (call, "", "id", None),
    (call, "", "type", GONE),
    (call, "", "type", "tool"),
    (call, "", "function", GONE),
    (call, "", "function", None),
    (call, "", "function.arguments", GONE),
    (call, "", "function.arguments", ["a"]),
    (call, "a custom tool", "custom", GONE),
    (call, "a custom tool", "custom.name", None),
    (chunk, "", "", []),
    (chunk, "", "", "[DONE]"),
    (chunk, "", "", {}, "choices", "created", "id", "model", "object"),
    (chunk, "", "id", None),
    (chunk, "", "object", "chat.completion"),
    (chunk, "", "object", ""),
    (chunk, "", "created", "1694268190"),
    (chunk, "", "choices", None),
    (chunk, "", "choices", GONE),
    (chunk, "", "choices[0].index", GONE),
    (chunk, "", "choices[0].index", None),
    (chunk, "", "choices[0].delta", GONE),
    (chunk, "", "choices[0].delta", None),
    (chunk, "", "choices[0].delta", "Hi"),
    (chunk, "", "choices[0].delta.role", ""),
    (chunk, "", "choices[0].delta.role", "bot"),
    (chunk, "", "choices[0].delta.content", 5),
    (chunk, "", "choices[0].delta.content", []),
    (chunk, "", "choices[0].finish_reason", ""),
    (chunk, "", "choices[0].finish_reason", "end_turn"),
    (chunk, "", "usage", "none"),
    (chunk, "the specification's usage", "choices", None),
    (chunk, "the specification's usage", "usage.prompt_tokens", "9"),
    (chunk, logprobs, "choices[0].logprobs.content[0].token", None),
    ("chat_delta", "", "", None),
    ("chat_delta", "", "", "Hi"),
    ("chat_delta", first_call, "tool_calls", {"index": 0}),
    ("chat_delta", first_call, "tool_calls[0].index", GONE),
    ("chat_delta", first_call, "tool_calls[0].type", None),
    ("chat_delta", first_call, "tool_calls[0].function.arguments", {}),
    ("chat_delta", "the deprecated", "function_call.arguments", {}),
    ("tool_call_delta", "", "index", GONE),
    ("tool_call_delta", "", "index", "0"),
    ("tool_call_delta", "", "index", -1),
    ("tool_call_delta", "", "type", None),
    ("tool_call_delta", "", "type", ""),
    ("tool_call_delta", "", "id", 1),
    ("tool_call_delta", "", "function", None),
    ("tool_call_delta", "", "function.arguments", {"a": 1}),
    ("tool_call_delta", "", "function.name", False),
    ("usage", "", "", None),
    ("usage", "", "prompt_tokens", 1.5),
    ("usage", "", "completion_tokens", True),
    ("usage", "", "total_tokens", -1),
    ("usage", "", "completion_tokens_details.reasoning_tokens", -1),
    ("logprobs", "", "content", GONE),
    ("logprobs", "", "refusal", "No"),
    ("logprobs", "", "refusal[0].logprob", GONE),
    ("model", "", "", "gpt-4o-mini"),
    ("model", "", "id", ""),
    ("model", "", "id", GONE),
    ("model", "", "object", "object"),
    ("model", "", "created", "2024"),
    ("model", "", "created", 1721172741.25),
    ("model", "", "owned_by", {"org": "x"}),
    ("models_list", "", "", []),
    ("models_list", "", "", {"models": []}, "data", "object"),
    ("models_list", "", "object", "models"),
    ("models_list", "", "data", None),
    ("models_list", "", "data", GONE),
    ("models_list", "", "data", {}),
    ("models_list", "", "data[1]", "gpt-4o-mini"),
    ("models_list", "", "data[1].id", 4),
    ("models_list", "", "data[0].object", GONE),
    ("completion", "", "object", "chat.completion"),
    ("completion", "", "choices", []),
    ("completion", "", "choices[0].text", None),
    ("completion", "", "choices[0].text", GONE),
    ("completion", "", "choices[0].index", GONE),
    ("completion", "", "choices[0].finish_reason", None),
    ("completion", "", "choices[0].finish_reason", "tool_calls"),
    ("completion", "", "choices[0].logprobs", 0),
    ("completion", "an echo", "choices[0].logprobs.token_logprobs[1]", "-0.5"),
    ("completion", "an echo", "choices[0].logprobs.top_logprobs[1].b", "x"),
    ("completion_chunk", "OpenAI", "object", "text_completion.chunk"),
    ("completion_chunk", "OpenAI", "choices", None),
    ("completion_chunk", "OpenAI", "choices[0].text", 5),
    ("completion_chunk", "OpenAI", "choices[0].finish_reason", ""),
    ("completion_chunk", "OpenAI's usage", "usage.total_tokens", "12"),
    ("embeddings", "", "", []),
    ("embeddings", "", "object", "embeddings"),
    ("embeddings", "", "data", None),
    ("embeddings", "", "data", []),
    ("embeddings", "", "model", GONE),
    ("embeddings", "", "data[1].index", GONE),
    ("embeddings", "", "data[0].object", "list"),
    ("embeddings", "", "data[0].embedding", None),
    ("embeddings", "", "data[0].embedding", []),
    ("embeddings", "", "data[0].embedding", ""),
    ("embeddings", "", "data[0].embedding[2]", "1"),
    ("embeddings", "", "data[0].embedding[1]", None),
    ("embeddings", "", "data[0].embedding[1]", True),
    ("embeddings", "", "usage.prompt_tokens", "8"),
    ("embeddings", "", "usage.total_tokens", GONE),
    ("error", "", "", "no"),
    ("error", "", "", {"detail": "no"}, "error"),
    ("error", "", "", {"object": "error", "message": "no"}, "error"),
    ("error", "", "error", "no"),
    ("error", "", "error", None),
    ("error", "", "error.message", GONE),
    ("error", "", "error.message", {"detail": "no"}),
    ("error", "", "error.type", None),
    ("error", "", "error.type", GONE),
    ("error", "", "error.param", {"name": "model"}),
    ("error", "", "error.code", ["x"]),
    ("provider_list", "", "", []),
    ("provider_list", "", "data", None),
    ("provider_list", "", "data[0].uuid", ""),
    ("provider_list", "", "data[0].uuid", GONE),
]


def spoil(document: Any, place: str, value: Any) -> Any:
    """The document with `value` at `place`."""
    steps = [int(index) if index else name for index, name in re.findall(r"\[(\d+)\]|(\w+)", place)]
    if not steps:
        return value
    spoilt = parent = copy.deepcopy(document)
    for step in steps[:-1]:
        parent = parent[step]
    if value is GONE:
        del parent[steps[-1]]
    else:
        parent[steps[-1]] = value
    return spoilt


def describe(row: tuple[Any, ...]) -> str:
    schema, _, place, value, *_ = row
    return f"{schema}: {place or 'the document'} {'gone' if value is GONE else json.dumps(value)}"


@pytest.mark.parametrize("row", broken, ids=describe)
def test_lenient_and_strict_tell_the_defect_at_its_place_and_nothing_else(row):
    schema, like, place, value, *told = row
    document = spoil(sample(schema, like), place, value)
    for side in ("lenient", "strict"):
        found = schemas.violations(f"{schema}.{side}", document)
        assert [sentence.split(": ")[0] for sentence in found] == (told or [place or "(root)"])


def test_every_defect_is_another_one():
    assert len({describe(row) + row[1] for row in broken}) == len(broken)


def test_every_object_has_a_good_and_a_broken_document():
    pairs = {name.removesuffix(".lenient") for name in schemas.names() if name.endswith(".lenient")}
    assert pairs == {case["schema"] for case in good} == {row[0] for row in broken}


# --- the dialects, whose error bodies have a single schema each


@pytest.mark.parametrize(
    "body",
    [
        {"detail": "Invalid model: no"},
        {"detail": [{"loc": ["body", "models", 0], "msg": "Field required", "type": "missing"}]},
    ],
)
def test_nemos_errors_are_a_sentence_or_a_list(body):
    assert schemas.violations("error_detail", body) == []


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "detail"),
        ([], "(root)"),
        ({"error": {"message": "no", "type": "x"}}, "detail"),
        ({"detail": ""}, "detail"),
        ({"detail": []}, "detail"),
        ({"detail": {"status": "not_ready"}}, "detail"),
        ({"detail": ["no"]}, "detail[0]"),
        ({"detail": [{"loc": ["body"]}]}, "detail[0].msg"),
    ],
)
def test_nemos_errors_are_nothing_else(body, place):
    assert [sentence.split(": ")[0] for sentence in schemas.violations("error_detail", body)] == [place]


@pytest.mark.parametrize(
    "error",
    [
        {"code": "model_not_found", "message": "no"},
        {"code": "token_quota_reached", "message": "no", "request_id": "req-1", "type": "x", "param": None},
    ],
)
def test_watsonx_errors_need_a_code_and_a_message(error):
    assert schemas.violations("error_watsonx", {"error": error}) == []


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"errors": [{"code": "x", "message": "no"}]}, "error"),
        ({"error": "no"}, "error"),
        ({"error": {"message": "no"}}, "error.code"),
        ({"error": {"code": 404, "message": "no"}}, "error.code"),
        ({"error": {"code": "x"}}, "error.message"),
        ({"error": {"code": "x", "message": "no", "request_id": 5}}, "error.request_id"),
    ],
)
def test_watsonx_errors_are_nothing_else(body, place):
    assert [sentence.split(": ")[0] for sentence in schemas.violations("error_watsonx", body)] == [place]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"detail": "Not Found"}, 'FastAPI\'s {"detail": …}'),
        (
            {"object": "error", "message": "no", "code": 400},
            'a flat object: {"object": "error", "message": …} without the "error" around it',
        ),
        ({"errors": [{"message": "no"}], "trace": "x"}, 'a list: {"errors": [{"code": …, "message": …}]}'),
        ({"error": "no such model"}, 'a bare sentence: {"error": "…"}'),
        ({"message": "no Route matched with those values"}, 'a proxy\'s {"message": …}'),
        ({"error": {"message": "no", "type": "x"}}, None),
        ({"status": 404}, None),
        (["detail"], None),
        ("detail", None),
    ],
)
def test_a_foreign_error_body_is_named(body, named):
    assert schemas.recognise("error_foreign", body) == named
