"""The simulator's legacy completions: prompts in all four forms, echo, log-probabilities, caps and streams."""

from typing import Any

import pytest

import schemas
from reference_gateway.backends.simulator.tokens import count
from reference_gateway.call import Endpoint

TEST = "Say this is a test"
WILD = 'naïve 👩‍🚀 "東京"\n\t—e\u0301'


def complete(simulator: Any, **body: Any) -> dict[str, Any]:
    answer: dict[str, Any] = simulator.answer({"prompt": TEST, **body}, Endpoint.COMPLETIONS)
    return answer


def chunks(simulator: Any, **body: Any) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = simulator.chunks({"prompt": TEST, **body}, Endpoint.COMPLETIONS)
    return made


def texts(streamed: list[dict[str, Any]], indexes: int) -> list[str]:
    choices = [choice for chunk in streamed for choice in chunk["choices"]]
    return ["".join(c["text"] for c in choices if c["index"] == index) for index in range(indexes)]


@pytest.mark.parametrize(
    "options", [{}, {"n": 2}, {"logprobs": 2}, {"echo": True, "logprobs": 2}, {"best_of": 2, "suffix": "."}]
)
def test_every_answer_and_chunk_is_an_object_as_the_api_describes_it(simulator: Any, options: dict[str, Any]) -> None:
    assert schemas.violations("completion.lenient", complete(simulator, **options)) == []
    for chunk in chunks(simulator, stream_options={"include_usage": True}, **options):
        assert schemas.violations("completion_chunk.lenient", chunk) == []


@pytest.mark.parametrize(
    ("prompt", "choices", "prompt_tokens"),
    [
        (TEST, 1, 5), ("", 1, 1), (["one", "two words", "three"], 3, 4),
        ([100, 200, 300], 1, 3), ([[100], [200, 1]], 2, 3),
    ],
)  # fmt: skip
def test_each_prompt_has_its_choices(simulator: Any, prompt: Any, choices: int, prompt_tokens: int) -> None:
    answer = complete(simulator, prompt=prompt, n=2)
    assert [choice["index"] for choice in answer["choices"]] == list(range(2 * choices))
    assert answer["usage"]["prompt_tokens"] == prompt_tokens
    assert answer["usage"]["completion_tokens"] == sum(count(choice["text"]) for choice in answer["choices"])


def test_sixteen_tokens_are_the_default(simulator: Any) -> None:
    answer = complete(simulator)
    assert answer["usage"]["completion_tokens"] == 16
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["id"].startswith("cmpl-")


def test_caps_and_stop_strings_hold(simulator: Any) -> None:
    assert complete(simulator, max_tokens=1)["usage"]["completion_tokens"] == 1
    choice = complete(simulator, max_tokens=64, stop=["e", "a"])["choices"][0]
    assert choice["finish_reason"] == "stop"
    assert not set("ea") & set(choice["text"])


@pytest.mark.parametrize("prompt", [WILD, [WILD, TEST], [1, 2, 3]])
def test_echo_gives_the_prompt_back_unchanged(simulator: Any, prompt: Any) -> None:
    answer = complete(simulator, prompt=prompt, echo=True, seed=1)
    unechoed = complete(simulator, prompt=prompt, seed=1)
    for choice, alone in zip(answer["choices"], unechoed["choices"], strict=True):
        assert choice["text"].endswith(alone["text"])
    if isinstance(prompt, str):
        assert answer["choices"][0]["text"] == prompt + unechoed["choices"][0]["text"]
    assert answer["usage"] == unechoed["usage"]


@pytest.mark.parametrize("echo", [False, True])
def test_the_logprob_arrays_are_aligned(simulator: Any, echo: bool) -> None:
    choice = complete(simulator, prompt=WILD, echo=echo, logprobs=2)["choices"][0]
    arrays = choice["logprobs"]
    assert len({len(arrays[name]) for name in ("tokens", "token_logprobs", "top_logprobs", "text_offset")}) == 1
    assert "".join(arrays["tokens"]) == choice["text"]
    for token, offset in zip(arrays["tokens"], arrays["text_offset"], strict=True):
        assert choice["text"].startswith(token, offset)
    assert (arrays["token_logprobs"][0] is None) == echo
    assert all(top is None or 1 <= len(top) <= 2 for top in arrays["top_logprobs"])


def test_logprobs_are_null_unless_asked_for(simulator: Any) -> None:
    assert complete(simulator)["choices"][0]["logprobs"] is None


@pytest.mark.parametrize("options", [{}, {"echo": True}, {"logprobs": 3, "echo": True}, {"max_tokens": 300}])
def test_a_stream_says_what_the_answer_says(simulator: Any, options: dict[str, Any]) -> None:
    body = {"prompt": [TEST, WILD], "n": 2, "seed": 5, "stream_options": {"include_usage": True}, **options}
    plain = complete(simulator, **body)
    streamed = chunks(simulator, **body)
    assert texts(streamed, 4) == [choice["text"] for choice in plain["choices"]]
    assert streamed[-1]["choices"] == []
    assert streamed[-1]["usage"] == plain["usage"]
    finishes = [(c["index"], c["finish_reason"]) for k in streamed for c in k["choices"] if c["finish_reason"]]
    assert sorted(finishes) == [(c["index"], c["finish_reason"]) for c in plain["choices"]]
    if "logprobs" in options:
        tokens = [
            t
            for k in streamed
            for c in k["choices"]
            if c["index"] == 2 and c["logprobs"]
            for t in c["logprobs"]["tokens"]
        ]
        assert tokens == plain["choices"][2]["logprobs"]["tokens"]
