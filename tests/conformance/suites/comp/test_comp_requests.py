"""Each check of what a legacy completion may ask for fires on its defect alone."""

import unicodedata
from functools import partial
from typing import Any

import pytest

from conformance.verdict import Verdict

from ..defects import Answer, Asked, error
from ..edits import Wrap, asks, both, chunk, drop, put
from ..judged import red
from .completing import (
    answered,
    asked_as,
    batch,
    every,
    judge_completions,
    plain,
    reply,
    streamed,
    text,
    token_batch,
    tokens,
)

FAIL, WARN, UNTESTABLE = Verdict.FAIL, Verdict.WARN, Verdict.UNTESTABLE
LOGPROBS = "choices[].logprobs"
echo, n2 = asks("echo", True), asks("n", 2)
two = asks("logprobs", 2)
without_echo = every(two, lambda asked: "echo" not in asked.object)
EMBEDDER = asks("model", "text-embedding-3-small")


three = every(batch, lambda asked: len(asked.object["prompt"]) == 3 and "n" not in asked.object)


def suffix(asked: Asked) -> bool:
    return bool(asked.object.get("suffix"))


def at(*prompts: Any) -> Any:
    return lambda asked: asked.object.get("prompt") in prompts


def lacks(key: str) -> Any:
    return lambda asked: asked.object and key not in asked.object


def chat_logprobs(document: Any) -> None:
    for choice in document["choices"]:
        choice["logprobs"] = {"content": [{"token": token, "logprob": -1.0} for token in choice["logprobs"]["tokens"]]}


def shorter(key: str) -> Any:
    return put(f"{LOGPROBS}.{key}", lambda values: values[1:])


def more_alternatives(document: Any) -> None:
    for choice in document["choices"]:
        for each in choice["logprobs"]["top_logprobs"]:
            each.update({f" {number}": -9.0 for number in range(5)})


def swapped(document: Any) -> None:
    """The answers of a batch under each other's numbers."""
    found = document["choices"]
    document["choices"] = [choice | {"index": index} for index, choice in enumerate(reversed(found))]


def joined_prompts(body: Any) -> None:
    body["prompt"] = " ".join(body["prompt"])


def first_prompt(body: Any) -> None:
    body["prompt"] = body["prompt"][0]


def ids_as_text(body: Any) -> None:
    body["prompt"] = str(body["prompt"])


def ids_as_prompts(body: Any) -> None:
    body["prompt"] = [str(token) for token in body["prompt"]]


def ids_joined(body: Any) -> None:
    body["prompt"] = [token for each in body["prompt"] for token in each]


def in_latin(document: Any) -> None:
    for choice in document["choices"]:
        choice["text"] = choice["text"].encode("latin-1", "replace").decode("latin-1")


def without_accents(document: Any) -> None:
    """Combining marks apart, as some tokenisers leave them."""
    for choice in document["choices"]:
        choice["text"] = unicodedata.normalize("NFD", choice["text"])


def with_stop(document: Any) -> None:
    """The stop sequence stands at the end."""
    for choice in document["choices"]:
        choice["text"] += "e "


def ended_by_length(document: Any) -> None:
    for choice in document["choices"]:
        choice["finish_reason"] = choice["finish_reason"] and "length"


IN_SERVING: dict[str, tuple[Wrap, dict[str, Verdict]]] = {
    "caps ignored": (asked_as(put("max_tokens", 60), asks("max_tokens", 1)), {"COMP-005": FAIL}),
    "caps ignored in streams": (
        asked_as(put("max_tokens", 60), every(streamed, asks("max_tokens", 1))),
        {"COMP-005": FAIL},
    ),
    "a batch refused": (answered(three, error(400)), {"COMP-006": WARN}),
    "a batch that crashes": (answered(three, error(500)), {"COMP-006": FAIL}),
    "a batch joined to one prompt": (asked_as(joined_prompts, three), {"COMP-006": WARN}),
    "only the first of a batch": (asked_as(first_prompt, three), {"COMP-006": WARN, "COMP-026": WARN}),
    "only the first of a batch, streamed": (asked_as(first_prompt, every(streamed, three)), {"COMP-006": WARN}),
    "a batch with one index": (reply(put("choices[].index", 0), three), {"COMP-006": WARN}),
    "token ids refused": (answered(tokens, error(400)), {"COMP-007": WARN}),
    "token ids that crash": (answered(tokens, error(500)), {"COMP-007": FAIL}),
    "token ids as a text": (asked_as(ids_as_text, tokens), {"COMP-007": WARN}),
    "token ids as prompts": (asked_as(ids_as_prompts, tokens), {"COMP-007": WARN}),
    "batches of token ids refused": (answered(token_batch, error(422)), {"COMP-008": WARN}),
    "batches of token ids joined": (asked_as(ids_joined, token_batch), {"COMP-008": WARN}),
    "echo ignored": (asked_as(drop("echo"), every(echo, text, lacks("logprobs"))), {"COMP-009": FAIL}),
    "echo ignored in streams": (asked_as(drop("echo"), every(echo, streamed)), {"COMP-009": FAIL}),
    "echo in Latin-1": (reply(in_latin, every(echo, text)), {"COMP-009": FAIL}),
    "echo in another form": (reply(without_accents, every(echo, text)), {"COMP-009": WARN}),
    "echo that crashes": (answered(every(echo, text, lacks("logprobs")), error(500)), {"COMP-009": FAIL}),
    "echo without outer blanks": (reply(put("choices[].text", str.strip), every(echo, text)), {"COMP-009": WARN}),
    "echo in compatible letters": (
        reply(put("choices[].text", partial(unicodedata.normalize, "NFKC")), every(echo, text)),
        {"COMP-009": WARN},
    ),
    "offsets of 0": (reply(put(f"{LOGPROBS}.text_offset[]", 0), without_echo), {"COMP-032": WARN}),
    "offsets that begin anew in each chunk": (
        chunk(put(f"{LOGPROBS}.text_offset[]", 0), every(without_echo, streamed)),
        {"COMP-032": WARN},
    ),
    "a suffix that crashes": (answered(suffix, error(500)), {"COMP-010": FAIL}),
    "logprobs ignored": (asked_as(drop("logprobs"), without_echo), {"COMP-011": FAIL}),
    "logprobs ignored in streams": (asked_as(drop("logprobs"), every(without_echo, streamed)), {"COMP-011": FAIL}),
    "logprobs as in chats": (reply(chat_logprobs, without_echo), {"COMP-011": FAIL}),
    "no offsets": (reply(drop(f"{LOGPROBS}.text_offset"), without_echo), {"COMP-011": FAIL}),
    "one offset less": (reply(shorter("text_offset"), without_echo), {"COMP-011": FAIL}),
    "alternatives in arrays": (
        reply(put(f"{LOGPROBS}.top_logprobs", lambda found: [list(each) for each in found]), without_echo),
        {"COMP-011": FAIL},
    ),
    "more alternatives than asked for": (reply(more_alternatives, without_echo), {"COMP-011": FAIL}),
    "one alternative too many in streams": (
        asked_as(put("logprobs", 5), every(without_echo, streamed)),
        {"COMP-011": FAIL},
    ),
    "six logprobs": (asked_as(put("logprobs", 5), asks("logprobs", 6)), {"COMP-012": WARN}),
    "six logprobs that crash": (answered(asks("logprobs", 6), error(500)), {"COMP-012": FAIL}),
    "a best of less than all": (asked_as(drop("best_of"), asks("best_of", 1)), {"COMP-012": WARN}),
    "the best of two in a stream": (asked_as(drop("best_of"), every(asks("best_of", 2), streamed)), {"COMP-013": WARN}),
    "the best of two are two": (
        asked_as(both(put("n", 2), drop("best_of")), every(asks("best_of", 2), plain)),
        {"COMP-013": WARN, "COMP-021": FAIL},
    ),
    "the best of two crashes": (answered(asks("best_of", 2), error(502)), {"COMP-013": FAIL}),
    "stop ignored": (asked_as(drop("stop"), asks("stop")), {"COMP-014": FAIL}),
    "stop ignored in streams": (asked_as(drop("stop"), every(asks("stop"), streamed)), {"COMP-014": FAIL}),
    "stop ignored with n": (
        asked_as(drop("stop"), every(asks("stop"), asks("n", 2))),
        {"COMP-014": FAIL},
    ),
    "stop as a string ignored": (asked_as(drop("stop"), asks("stop", "e")), {"COMP-014": FAIL}),
    "stop as a string refused": (answered(asks("stop", "e"), error(400)), {"COMP-014": FAIL}),
    "the stop sequence at the end": (
        reply(with_stop, lambda asked: bool(asked.object.get("stop"))),
        {"COMP-014": FAIL},
    ),
    "only the first of four stops": (
        asked_as(put("stop", lambda old: old[:1]), lambda asked: isinstance(asked.object.get("stop"), list)),
        {"COMP-014": FAIL},
    ),
    "a default model": (asked_as(put("model", "gpt-4o-mini"), lacks("model")), {"COMP-017": FAIL}),
    "no model crashes": (answered(lacks("model"), error(500)), {"COMP-017": FAIL}),
    "a default prompt": (
        asked_as(put("prompt", "Hi"), every(lacks("prompt"), plain)),
        {"COMP-018": WARN},
    ),
    "an empty prompt that crashes": (answered(at(""), error(500)), {"COMP-018": FAIL}),
    "an embedding model that crashes": (answered(EMBEDDER, error(500)), {"COMP-019": FAIL}),
    "an embedding model that crashes streams": (answered(every(EMBEDDER, streamed), error(500)), {"COMP-019": FAIL}),
    "an embedding model refused in HTML": (
        answered(EMBEDDER, Answer(400, ((b"content-type", b"text/html"),), b"<p>no</p>")),
        {"COMP-019": FAIL},
    ),
    "an embedding model that is down": (answered(EMBEDDER, error(503)), {"COMP-019": WARN}),
    "any model is served": (
        asked_as(put("model", "gpt-4o-mini"), lambda a: str(a.object.get("model")).startswith("gateproof")),
        {"COMP-020": FAIL},
    ),
    "two choices asked for, one made": (asked_as(drop("n"), every(n2, text, lacks("best_of"))), {"COMP-022": FAIL}),
    "two choices asked for, one streamed": (asked_as(drop("n"), every(n2, text, streamed)), {"COMP-022": FAIL}),
    "n for the first prompt alone": (asked_as(drop("n"), every(n2, batch)), {"COMP-029": WARN}),
    "the answers of a batch mixed up": (reply(swapped, every(echo, batch)), {"COMP-030": FAIL}),
    "a stop reported as length": (
        reply(ended_by_length, lambda asked: bool(asked.object.get("stop"))),
        {"COMP-031": WARN},
    ),
    "a streamed stop reported as length": (
        chunk(ended_by_length, lambda asked: bool(asked.object.get("stop"))),
        {"COMP-031": WARN},
    ),
    "probabilities for logarithms": (
        reply(put(f"{LOGPROBS}.token_logprobs", lambda found: [0.5 for _ in found]), without_echo),
        {"COMP-032": WARN},
    ),
    "tokens of another text": (
        chunk(put(f"{LOGPROBS}.tokens", lambda found: ["x" for _ in found]), without_echo),
        {"COMP-032": WARN},
    ),
    "0 logprobs are none": (asked_as(drop("logprobs"), asks("logprobs", 0)), {"COMP-033": WARN}),
    "0 logprobs that crash": (answered(asks("logprobs", 0), error(500)), {"COMP-033": FAIL}),
    "logprobs of the answer alone": (
        asked_as(drop("echo"), every(echo, two)),
        {"COMP-034": WARN},
    ),
    "a first token that follows something": (
        reply(put(f"{LOGPROBS}.token_logprobs", lambda found: [0.0, *found[1:]]), every(echo, two)),
        {"COMP-034": WARN},
    ),
    "a prompt that is an object": (asked_as(put("prompt", "{}"), at({"text": "Hi"})), {"COMP-035": FAIL}),
    "a prompt that is a number": (asked_as(put("prompt", "7"), at(7)), {"COMP-035": FAIL}),
    "no prompts at all": (asked_as(put("prompt", ""), at([])), {"COMP-035": WARN}),
    "a mixture that crashes": (answered(at(["a", 7]), error(500)), {"COMP-035": FAIL}),
    "a hot temperature": (asked_as(drop("temperature"), every(plain, asks("temperature", "hot"))), {"COMP-036": FAIL}),
    "a cap that is an array": (asked_as(put("max_tokens", 1), asks("max_tokens", [])), {"COMP-036": FAIL}),
    "nulls refused": (answered(lambda a: a.object.get("echo", 0) is None, error(400)), {"COMP-037": WARN}),
}


@pytest.mark.parametrize("name", IN_SERVING)
def test_a_defect_in_serving_is_seen_by_its_requirement_alone(name: str) -> None:
    wrap, expected = IN_SERVING[name]
    judged = red(judge_completions(wrap))
    assert {id: said.verdict for id, said in judged.items()} == expected, judged
