"""What requests cost: estimated before, counted after, and never more than a run may spend."""

import json
from typing import Any

import pytest

from conformance.exchange import Exchange, Request, Response, Unusable
from conformance.sending.cost import Budget, Tokens, asked, spent

URL = "http://gateway/v1"
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Reply with the word OK."}], "max_tokens": 16}


def post(path: str, body: Any) -> Request:
    return Request("POST", URL + path, (), json.dumps(body).encode())


def answered(request: Request, body: bytes, media_type: str = "application/json", status: int = 200) -> Exchange:
    headers = (("Content-Type", media_type),)
    return Exchange("x1", "test", request, Response(status, headers, ((0.1, body),)))


def test_a_chat_costs_its_words_and_at_most_its_cap() -> None:
    assert asked(post("/chat/completions", CHAT)) == Tokens(12, 16)
    assert asked(post("/chat/completions", CHAT | {"n": 3})).completion == 48
    both = {"max_tokens": 16, "max_completion_tokens": 8}
    assert asked(post("/chat/completions", CHAT | both)).completion == 8


@pytest.mark.parametrize(
    ("prompt", "answers"), [("Say OK.", 1), (["Say OK.", "Say OK."], 2), ([1, 2, 3], 1), ([[1], [2]], 2)]
)
def test_every_prompt_of_a_batch_is_answered(prompt: Any, answers: int) -> None:
    body = {"model": "m", "prompt": prompt, "max_tokens": 5}
    assert asked(post("/completions", body)).completion == 5 * answers


def test_embeddings_cost_their_input_and_lists_nothing() -> None:
    assert asked(post("/embeddings", {"model": "m", "input": ["one two", "three"]})) == Tokens(3, 0)
    assert asked(Request("GET", f"{URL}/models")) == Tokens()
    assert asked(post("/chat/completions", None)) == Tokens()


def test_what_an_answer_says_counts_and_a_refusal_costs_nothing() -> None:
    usage = {"prompt_tokens": 20, "completion_tokens": 7, "total_tokens": 27}
    request = post("/chat/completions", CHAT)
    assert spent(answered(request, json.dumps({"usage": usage}).encode())) == Tokens(20, 7)
    assert spent(answered(request, b'{"error": {}}', status=400)) == Tokens()


def test_a_stream_without_usage_costs_its_pieces() -> None:
    chunk = {"choices": [{"index": 0, "delta": {"content": "word"}}]}
    body = b"data: %b\n\n" % json.dumps(chunk).encode() * 4
    request = post("/chat/completions", CHAT | {"stream": True})
    assert spent(answered(request, body, "text/event-stream")) == Tokens(12, 4)


@pytest.mark.parametrize("usage", [{"prompt_tokens": "x"}, {"prompt_tokens": -1}, {"prompt_tokens": True}])
def test_a_count_that_is_none_counts_as_nothing(usage: Any) -> None:
    request = post("/chat/completions", CHAT)
    assert spent(answered(request, json.dumps({"usage": usage}).encode())) == Tokens()


def test_no_request_beyond_the_cap_is_admitted() -> None:
    budget, request = Budget(requests=2), post("/chat/completions", CHAT)
    budget.admit(request)
    budget.admit(request)
    with pytest.raises(Unusable, match="2 requests"):
        budget.admit(request)


def test_tokens_in_flight_count_until_their_answer_tells() -> None:
    budget, request = Budget(tokens=66), post("/chat/completions", CHAT)  # 28 each
    budget.admit(request)
    budget.admit(request)
    with pytest.raises(Unusable, match="66 tokens"):
        budget.admit(request)
    budget.settle(answered(request, b'{"usage": {"prompt_tokens": 9, "completion_tokens": 1}}'), request)
    budget.admit(request)
