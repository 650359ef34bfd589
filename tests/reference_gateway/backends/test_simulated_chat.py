"""The simulator's chat completions and their streams: shape, counts, caps, stop strings, seeds, structured answers."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

import schemas
from reference_gateway.backends.simulator import Simulator
from reference_gateway.backends.simulator.tokens import count
from reference_gateway.call import BackendError, Call, Endpoint

HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "Say OK"}]}
STORY: dict[str, Any] = {"messages": [{"role": "user", "content": "Tell me a long story"}]}
WITH_USAGE = {"stream_options": {"include_usage": True}}


def joined(chunks: list[dict[str, Any]], index: int = 0) -> str:
    choices = [choice for chunk in chunks for choice in chunk["choices"] if choice["index"] == index]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def finishes(chunks: list[dict[str, Any]]) -> list[tuple[int, str]]:
    return [(c["index"], c["finish_reason"]) for chunk in chunks for c in chunk["choices"] if c["finish_reason"]]


@pytest.mark.parametrize("options", [{}, {"n": 3}, {"logprobs": True, "top_logprobs": 2}, {"max_tokens": 1}])
def test_every_answer_and_chunk_is_an_object_as_the_api_describes_it(simulator: Any, options: dict[str, Any]) -> None:
    assert schemas.violations("chat_completion.strict", simulator.answer({**HELLO, **options})) == []
    for chunk in simulator.chunks({**HELLO, **WITH_USAGE, **options}):
        assert schemas.violations("chat_chunk.strict", chunk) == []


def test_the_answer_carries_the_name_that_the_client_wrote(simulator: Any) -> None:
    assert simulator.answer(HELLO)["model"] == "a/model"
    assert {chunk["model"] for chunk in simulator.chunks(HELLO)} == {"a/model"}


def test_unseeded_answers_vary_in_text_and_id(simulator: Any) -> None:
    answers = [simulator.answer(HELLO) for _ in range(10)]
    assert len({answer["id"] for answer in answers}) == 10
    assert len({answer["choices"][0]["message"]["content"] for answer in answers}) > 5


def test_unasked_answers_have_20_to_60_tokens_and_characters_beyond_ascii(simulator: Any) -> None:
    for _ in range(100):
        text = simulator.text("Say OK")
        assert 20 <= count(text) <= 60
        assert not text.isascii()


@pytest.mark.parametrize(
    ("prompt", "words"), [("Write 500 words on tea", 400), ("a 300-word essay", 240), ("Tell me a story", 150)]
)
def test_a_prompt_that_asks_for_length_gets_it(simulator: Any, prompt: str, words: int) -> None:
    assert len(simulator.text(prompt).split()) >= words


def test_usage_counts_the_tokens_of_all_choices(simulator: Any) -> None:
    for _ in range(30):
        answer = simulator.answer({**HELLO, "n": 3, "max_tokens": 30})
        usage = answer["usage"]
        assert usage["completion_tokens"] == sum(count(c["message"]["content"]) for c in answer["choices"])
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_prompt_tokens_do_not_depend_on_sampling(simulator: Any) -> None:
    options = ({}, {"temperature": 2}, {"n": 2}, {"max_tokens": 3}, {"stop": "e"}, {"seed": 4})
    assert len({simulator.answer({**HELLO, **option})["usage"]["prompt_tokens"] for option in options}) == 1


@pytest.mark.parametrize("cap", [1, 2, 5, 16])
@pytest.mark.parametrize("key", ["max_tokens", "max_completion_tokens"])
def test_a_cap_ends_the_answer_with_length(simulator: Any, key: str, cap: int) -> None:
    answer = simulator.answer({**STORY, key: cap})
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == cap


def test_the_newer_cap_wins(simulator: Any) -> None:
    assert simulator.answer({**STORY, "max_tokens": 9, "max_completion_tokens": 4})["usage"]["completion_tokens"] == 4


def test_an_answer_within_its_cap_ends_with_stop(simulator: Any) -> None:
    assert simulator.answer({**HELLO, "max_tokens": 500})["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize("stop", ["e", ["e", "a"], ["e", "a", "i", "o"], ".", " the ", "he", "r d"])
def test_the_text_ends_before_a_stop_string(simulator: Any, stop: Any) -> None:
    stops = [stop] if isinstance(stop, str) else stop
    for seed in range(20):
        body = {**STORY, "seed": seed, "max_tokens": 64}
        whole = simulator.answer(body)["choices"][0]["message"]["content"]
        first = min((whole.find(s) for s in stops if s in whole), default=None)
        answer = simulator.answer({**body, "stop": stop})
        choice = answer["choices"][0]
        assert choice["message"]["content"] == whole[:first]
        assert choice["finish_reason"] == ("length" if first is None else "stop")
        assert answer["usage"]["completion_tokens"] == count(whole[:first])
        chunks = simulator.chunks({**body, "stop": stop})
        assert joined(chunks) == whole[:first]
        assert finishes(chunks) == [(0, choice["finish_reason"])]


def test_a_stop_string_that_spans_tokens_never_shows_in_a_stream(simulator: Any) -> None:
    whole = simulator.text("Say OK", seed=1)
    for at in range(1, len(whole) - 5):
        stop = whole[at : at + 5]
        assert stop not in joined(simulator.chunks({**HELLO, "seed": 1, "stop": [stop]}))


def test_a_seeded_request_is_answered_alike_streamed_or_not(simulator: Any) -> None:
    for seed in (0, 7, 9007199254740993):
        body = {**HELLO, "seed": seed, "n": 2}
        answers = [simulator.answer(body) for _ in range(2)]
        texts = [[choice["message"]["content"] for choice in answer["choices"]] for answer in answers]
        chunks = simulator.chunks(body)
        assert texts[0] == texts[1] == [joined(chunks, 0), joined(chunks, 1)]
        assert answers[0]["system_fingerprint"] == answers[1]["system_fingerprint"] == chunks[0]["system_fingerprint"]


def test_another_seed_or_prompt_gives_another_text(simulator: Any) -> None:
    assert len({simulator.text("Say OK", seed=seed) for seed in range(10)}) > 5
    assert len({simulator.text(f"Say {word}", seed=1) for word in "abcdefghij"}) > 5


def test_a_seeded_simulator_answers_equal_requests_alike(seeded_simulator: Callable[[int], Any]) -> None:
    assert seeded_simulator(1).text("Say OK") == seeded_simulator(1).text("Say OK")
    assert seeded_simulator(1).text("Say OK") != seeded_simulator(2).text("Say OK")


def test_a_stream_opens_each_choice_with_its_role_and_closes_it_with_its_reason(simulator: Any) -> None:
    chunks = simulator.chunks({**HELLO, "n": 3})
    choices = [chunk["choices"][0] for chunk in chunks]
    assert [c["index"] for c in choices if "role" in c["delta"]] == [0, 1, 2]
    for index in range(3):
        own = [choice for choice in choices if choice["index"] == index]
        assert own[0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
        assert own[-1]["delta"] == {}
        assert [choice["finish_reason"] for choice in own] == [None] * (len(own) - 1) + ["stop"]
        assert all(choice["logprobs"] is None for choice in own)


def test_a_stream_keeps_its_identity(simulator: Any) -> None:
    chunks = simulator.chunks({**HELLO, **WITH_USAGE})
    for member in ("id", "created", "model", "system_fingerprint", "object"):
        assert len({chunk[member] for chunk in chunks}) == 1
    assert chunks[0]["id"] != simulator.chunks(HELLO)[0]["id"]


def test_a_stream_carries_one_token_a_chunk(simulator: Any) -> None:
    chunks = simulator.chunks({**HELLO, **WITH_USAGE, "n": 2})
    tokens = [text for chunk in chunks for c in chunk["choices"] if (text := c["delta"].get("content"))]
    assert chunks[-1]["usage"]["completion_tokens"] == len(tokens)
    assert all(token.encode().decode() == token for token in tokens)


def test_usage_comes_last_and_only_when_asked_for(simulator: Any) -> None:
    chunks = simulator.chunks({**HELLO, **WITH_USAGE})
    assert chunks[-1]["choices"] == []
    assert [chunk["usage"] for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1]["usage"]["prompt_tokens"] == simulator.answer(HELLO)["usage"]["prompt_tokens"]
    assert all("usage" not in chunk and chunk["choices"] for chunk in simulator.chunks(HELLO))


@pytest.mark.parametrize("alternatives", [None, 0, 1, 3, 20])
def test_logprobs_rebuild_the_text(simulator: Any, alternatives: int | None) -> None:
    body = {**HELLO, "seed": 2, "logprobs": True, "top_logprobs": alternatives}
    choice = simulator.answer(body)["choices"][0]
    entries = choice["logprobs"]["content"]
    assert b"".join(bytes(entry["bytes"]) for entry in entries).decode() == choice["message"]["content"]
    assert all(entry["logprob"] <= 0 and len(entry["top_logprobs"]) <= (alternatives or 0) for entry in entries)
    for entry in entries:
        ranked = [other["logprob"] for other in entry["top_logprobs"]]
        assert ranked == sorted(ranked, reverse=True)
        assert len({other["token"] for other in entry["top_logprobs"]}) == len(ranked)
    streamed = [
        c["logprobs"]["content"] for k in simulator.chunks(body) for c in k["choices"] if c["delta"].get("content")
    ]
    assert [entry for content in streamed for entry in content] == entries
    assert simulator.text("Say OK", seed=2) == choice["message"]["content"]


def test_json_mode_answers_with_an_object(simulator: Any) -> None:
    for seed in range(30):
        text = simulator.text("Answer in JSON", response_format={"type": "json_object"}, seed=seed)
        assert isinstance(json.loads(text), dict)


PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "mood": {"enum": ["glad", "müde"]},
        "age": {"type": "integer", "minimum": 0},
    },
    "required": ["name", "mood", "age"],
    "additionalProperties": False,
}


def structured(schema: Any) -> dict[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "p", "strict": True, "schema": schema}}}


def test_a_structured_answer_is_valid_streamed_or_not(simulator: Any) -> None:
    for seed in range(20):
        body = {**HELLO, **structured(PERSON), "seed": seed}
        text = simulator.answer(body)["choices"][0]["message"]["content"]
        jsonschema.Draft202012Validator(PERSON).validate(json.loads(text))
        chunks = simulator.chunks(body)
        assert joined(chunks) == text
        assert len(chunks) > 10


def test_a_structured_answer_cut_by_the_cap_says_length(simulator: Any) -> None:
    assert simulator.answer({**HELLO, **structured(PERSON), "max_tokens": 3})["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize(
    "schema", [{"type": "banana"}, {"$ref": "https://example.com/x"}, {"type": "integer", "not": {}}]
)
def test_a_schema_that_allows_nothing_is_the_clients_error(simulator: Any, schema: Any) -> None:
    for ask in (simulator.answer, simulator.chunks):
        with pytest.raises(BackendError) as caught:
            ask({**HELLO, **structured(schema)})
        error = caught.value
        assert (error.status, error.type) == (400, "invalid_request_error")
        assert (error.code, error.param) == ("invalid_json_schema", "response_format")


@pytest.mark.parametrize(("asked", "told"), [(None, "default"), ("auto", "default"), ("flex", "flex")])
def test_the_service_tier_is_told(simulator: Any, asked: Any, told: str) -> None:
    assert simulator.answer({**HELLO, "service_tier": asked})["service_tier"] == told


def test_prompts_of_any_text_are_answered_and_counted_alike_however_they_were_escaped(simulator: Any) -> None:
    for text in ("", " ", "👩‍🚀 東京 e\u0301 \u2028 \x01", "\ud83d", "שלום", "a" * 100_000, "to be " * 20_000):
        messages = [{"role": "user", "content": text}]
        escaped = json.loads(json.dumps(messages))
        raw = json.loads(json.dumps(messages, ensure_ascii=False))
        counts = {simulator.answer({"messages": m, "seed": 1})["usage"]["prompt_tokens"] for m in (escaped, raw)}
        assert len(counts) == 1
    assert counts.pop() >= 40_000


def test_streams_and_answers_take_the_time_of_their_tokens(in_virtual_time: Callable[..., Any]) -> None:
    body = {"model": "m", **HELLO, "seed": 1, "stream": True}
    call = Call(Endpoint.CHAT, body, "m", {"ttft_s": 0.5, "itl_s": 0.25})

    async def run() -> tuple[list[float], float]:
        loop = asyncio.get_running_loop()
        start = loop.time()
        times = []
        async for chunk in Simulator().stream(call):
            times.append(loop.time() - start)
            if chunk["choices"][0]["delta"].get("content"):
                await asyncio.sleep(0.6 if len(times) == 4 else 0.1)
        start = loop.time()
        await Simulator().answer(call)
        return times, loop.time() - start

    times, whole = in_virtual_time(run())
    tokens = len(times) - 2
    due = [0.5 + 0.25 * token for token in range(tokens)]
    due[3:6] = 1.6, 1.7, 1.8  # late because the reader was, and then on time again
    assert times[0] == pytest.approx(0.5)
    assert times[1:-1] == pytest.approx(due)
    assert whole == pytest.approx(0.5 + 0.25 * (tokens - 1))


def test_who_asks_last_but_is_due_first_is_woken_first(in_virtual_time: Callable[..., Any]) -> None:
    async def run() -> dict[str, float]:
        loop = asyncio.get_running_loop()
        woken: dict[str, float] = {}

        async def first(name: str, ttft_s: float) -> None:
            call = Call(Endpoint.CHAT, {"model": "m", **HELLO}, "m", {"ttft_s": ttft_s, "itl_s": 0})
            stream = Simulator().stream(call)
            await anext(stream)
            woken[name] = loop.time()

        await asyncio.gather(first("last", 60), first("soon", 0.5), first("sooner", 0.25), first("with it", 0.25))
        return woken

    woken = in_virtual_time(run())
    assert woken == pytest.approx({"sooner": 0.25, "with it": 0.25, "soon": 0.5, "last": 60})


def test_a_late_stream_still_lets_others_run() -> None:
    async def run() -> list[str]:
        seen: list[str] = []

        async def read(name: str) -> None:
            call = Call(Endpoint.CHAT, {"model": "m", **HELLO}, "m", {"ttft_s": 0, "itl_s": 0})
            async for _ in Simulator().stream(call):
                seen.append(name)

        await asyncio.gather(read("a"), read("b"))
        return seen

    seen = asyncio.run(run())
    assert seen.index("b") < 5
