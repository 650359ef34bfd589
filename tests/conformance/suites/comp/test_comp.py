"""Each check of legacy completions fires on its defect alone: one in the answers, or one in serving them."""

import itertools
from typing import Any

import pytest

from conformance.verdict import Verdict

from ..defects import Answer, Asked
from ..edits import Wrap, asks, chunk, counts, drop, put
from ..judged import red
from .completing import answered, batch, every, judge_completions, plain, reply, smallest, streamed, text, tokens

FAIL, WARN, UNTESTABLE = Verdict.FAIL, Verdict.WARN, Verdict.UNTESTABLE
count = itertools.count(1)
n2, suffix = asks("n", 2), asks("suffix")
LOGPROBS = "choices[].logprobs"


def unstopped(asked: Asked) -> bool:
    return not asked.object.get("stop")


def at(*prompts: Any) -> Any:
    return lambda asked: asked.object.get("prompt") in prompts


def as_chat(document: Any) -> None:
    """The answer of a bridge to chats."""
    document["object"] = "chat.completion"
    for choice in document["choices"]:
        choice["message"] = {"role": "assistant", "content": choice.pop("text")}


IN_ANSWERS: dict[str, tuple[Wrap, dict[str, Verdict]]] = {
    "another object": (reply(put("object", "completion")), {"COMP-001": FAIL}),
    "no object": (reply(drop("object")), {"COMP-001": FAIL}),
    "created is a fraction": (reply(put("created", lambda s: s + 0.5)), {"COMP-001": FAIL}),
    "created in milliseconds": (reply(put("created", lambda s: s * 1000)), {"COMP-001": FAIL}),
    "no created in answers to logprobs": (reply(drop("created"), asks("logprobs", 0)), {"COMP-001": FAIL}),
    "no model": (reply(drop("model")), {"COMP-001": FAIL}),
    "a fingerprint that is a number": (reply(put("system_fingerprint", 7), suffix), {"COMP-001": FAIL}),
    "an answer that is no JSON": (
        answered(suffix, Answer(200, body=b"return 1")),
        {"COMP-001": FAIL},
    ),
    "a message in place of the text": (reply(as_chat, every(plain, suffix)), {"COMP-001": FAIL, "COMP-002": FAIL}),
    "a text that is null": (reply(put("choices[].text", None), suffix), {"COMP-002": FAIL}),
    "a text in parts": (reply(put("choices[].text", lambda text: [text]), tokens), {"COMP-002": FAIL}),
    "an unknown end": (reply(put("choices[].finish_reason", "eos_token"), suffix), {"COMP-002": FAIL}),
    "no end": (reply(drop("choices[].finish_reason"), suffix), {"COMP-002": FAIL}),
    "logprobs nobody asked for": (
        reply(put(LOGPROBS, {"tokens": []}), lambda asked: "logprobs" not in asked.object),
        {"COMP-003": WARN},
    ),
    "the id of a chat": (reply(put("id", lambda id: "chat" + id)), {"COMP-003": WARN}),
    "a total that does not add up": (reply(put("usage.total_tokens", lambda n: n + 1)), {"COMP-004": FAIL}),
    "a count that is a text": (reply(put("usage.prompt_tokens", "3"), suffix), {"COMP-004": FAIL}),
    "usage that is empty": (reply(put("usage", {}), n2), {"COMP-004": FAIL}),
    "no prompt tokens": (reply(counts(prompt_tokens=0), suffix), {"COMP-004": FAIL}),
    "no completion tokens": (reply(counts(completion_tokens=0), suffix), {"COMP-004": FAIL}),
    "tokens beyond the cap": (reply(counts(completion_tokens=lambda n: n + 20)), {"COMP-004": FAIL}),
    "more cached than there is": (
        reply(put("usage.prompt_tokens_details", {"cached_tokens": 10**6})),
        {"COMP-004": WARN},
    ),
    "one token beyond the cap": (reply(counts(completion_tokens=lambda n: n + 1), suffix), {"COMP-004": WARN}),
    "a cut reported as stop": (
        reply(put("choices[].finish_reason", "stop"), unstopped),
        {"COMP-005": FAIL},
    ),
    "a streamed cut reported as stop": (
        chunk(put("choices[].finish_reason", lambda old: old and "stop"), unstopped),
        {"COMP-005": FAIL},
    ),
    "every second choice has the index 7": (reply(put("choices[].index", 7), suffix), {"COMP-021": FAIL}),
    "an index that is a text": (reply(put("choices[].index", "0"), smallest), {"COMP-021": FAIL}),
    "no choice": (reply(put("choices", []), suffix), {"COMP-001": FAIL, "COMP-021": FAIL}),
    "two choices for one": (
        reply(lambda d: d["choices"].append(d["choices"][0] | {"index": 1}), suffix),
        {"COMP-021": FAIL},
    ),
    "one choice for two": (
        reply(put("choices", lambda found: found[:1]), every(n2, text)),
        {"COMP-022": FAIL},
    ),
    "two choices of one index": (reply(put("choices[].index", 0), every(n2, text)), {"COMP-022": FAIL}),
    "two streamed choices of one index": (
        chunk(put("choices[].index", 0), every(n2, text)),
        {"COMP-022": FAIL},
    ),
    "one id for all": (reply(put("id", "cmpl-1")), {"COMP-023": FAIL}),
    "an id that is empty": (reply(put("id", ""), suffix), {"COMP-023": FAIL}),
    "an id that is a number": (reply(put("id", lambda _: next(count))), {"COMP-023": FAIL}),
    "one id for all streams": (chunk(put("id", "cmpl-1")), {"COMP-023": FAIL}),
    "another model": (reply(put("model", "llama")), {"COMP-024": WARN}),
    "another model in streams": (chunk(put("model", "llama")), {"COMP-024": WARN}),
    "no usage": (reply(drop("usage")), {"COMP-025": WARN}),
    "no usage with logprobs": (reply(drop("usage"), asks("logprobs")), {"COMP-025": WARN}),
    "usage of one prompt for three": (
        reply(counts(prompt_tokens=3, completion_tokens=12), every(batch, lambda a: len(a.object) == 3)),
        {"COMP-026": WARN},
    ),
    "usage of one text for three": (
        reply(counts(completion_tokens=1), every(batch, lambda a: len(a.object) == 3)),
        {"COMP-026": WARN},
    ),
    "usage of one text for two": (reply(counts(completion_tokens=4), every(n2, text)), {"COMP-026": WARN}),
    "the text lost": (reply(put("choices[].text", ""), suffix), {"COMP-027": FAIL}),
    "the text lost in streams": (
        chunk(put("choices[].text", ""), every(streamed, smallest)),
        {"COMP-027": FAIL},
    ),
    "one token whatever was said": (
        reply(counts(completion_tokens=1), lambda asked: not batch(asked)),
        {"COMP-028": WARN},
    ),
}


@pytest.mark.parametrize("name", IN_ANSWERS)
def test_a_defect_of_answers_is_seen_by_its_requirement_alone(name: str) -> None:
    wrap, expected = IN_ANSWERS[name]
    judged = red(judge_completions(wrap))
    assert {id: said.verdict for id, said in judged.items()} == expected, judged
