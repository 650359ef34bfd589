"""Each check of streamed completions fires on its defect alone."""

import itertools
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from conformance.verdict import Verdict

from ..defects import Answer, Asked, changed, error
from ..edits import Wrap, asks, chunk, chunks, drop, event, headers, put, stream
from ..judged import red
from .completing import answered, asked_as, is_completion, judge_completions, smallest, streamed

FAIL, WARN, UNTESTABLE = Verdict.FAIL, Verdict.WARN, Verdict.UNTESTABLE
DONE = b"data: [DONE]\n\n"
LAST = slice(-1, None)
count = itertools.count(1)
counted = asks("stream_options", {"include_usage": True})
echoed = asks("echo", True)


def uncounted(asked: Asked) -> bool:
    return asked.streams and "stream_options" not in asked.object


def as_deltas(document: Any) -> None:
    """The chunks of a bridge to chats."""
    for choice in document["choices"]:
        choice["delta"] = {"content": choice.pop("text")}


def latin(body: bytes) -> bytes:
    return body.replace(b'"text":""', b'"text":"d\xe9j\xe0"')


def of_usage(edit: Any) -> Any:
    """The chunk with usage."""

    def change(found: list[Any]) -> list[Any]:
        edit(found[-1])
        return found

    return chunks(change, counted)


def adding_up(**counts: int) -> Any:
    def edit(document: Any) -> None:
        usage = document["usage"]
        usage |= {key: usage[key] + more for key, more in counts.items()}
        usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]

    return edit


def usage_with_the_end(found: list[Any]) -> list[Any]:
    return [*found[:-2], found[-2] | {"usage": found[-1]["usage"]}]


def ended_twice(found: list[Any]) -> list[Any]:
    return [*found, deepcopy(found[-1])]


def going_on(found: list[Any]) -> list[Any]:
    return [*found, deepcopy(found[0])]


def without_end(document: Any) -> None:
    for choice in document["choices"]:
        if choice["finish_reason"] is None:
            del choice["finish_reason"]


def in_a_stream(asked: Asked, answer: Answer) -> Answer:
    """Unknown models are refused in a stream."""
    if not (is_completion(asked) and asked.streams and answer.status == 404):
        return answer
    body = b"data: %b\n\n" % answer.body + DONE
    unmeasured = answer.with_header("content-length", None)
    return replace(unmeasured, status=200, body=body).with_header("content-type", "text/event-stream")


def as_text(asked: Asked, answer: Answer) -> Answer:
    if not (is_completion(asked) and asked.streams and answer.status >= 400):
        return answer
    return replace(answer, body=b"no such model").with_header("content-type", "text/plain")


def failing(asked: Asked, answer: Answer) -> Answer:
    if not (is_completion(asked) and asked.streams and answer.status == 404):
        return answer
    return replace(answer, status=503)


seeded = asks("seed")


def texts(found: list[Any]) -> list[Any]:
    """The chunks with text."""
    return [each for each in found if each["choices"] and each["choices"][0]["text"].strip()]


def endless(found: list[Any]) -> list[Any]:
    return [each for each in found if each is not texts(found)[-1]]


def with_holes(found: list[Any]) -> list[Any]:
    return [each for each in found if each not in texts(found)[1::3]]


def reordered(found: list[Any]) -> list[Any]:
    spoken = texts(found)
    for one, other in zip(spoken[::2], spoken[1::2], strict=False):
        one["choices"], other["choices"] = other["choices"], one["choices"]
    return found


def one_for_two(document: Any) -> None:
    if document.get("usage"):
        adding_up(completion_tokens=-4)(document)


STREAMED: dict[str, tuple[Wrap, dict[str, Verdict]]] = {
    "streams refused": (
        answered(streamed, error(400)),
        {
            "COMP-015": FAIL,
            **dict.fromkeys(
                ("COMP-016", "COMP-038", "COMP-039", "COMP-040", "COMP-041", "COMP-042", "COMP-043", "COMP-045"),
                UNTESTABLE,
            ),
        },
    ),
    "declared as JSON": (headers("content-type", "application/json"), {"COMP-015": FAIL}),
    "text in Latin-1": (stream(latin, uncounted), {"COMP-015": FAIL}),
    "one line feed between events": (
        stream(lambda body: body.replace(b"\n\n", b"\n") + b"\n", echoed),
        {"COMP-015": FAIL, "COMP-009": UNTESTABLE},
    ),
    "no [DONE]": (stream(lambda body: body.removesuffix(DONE)), {"COMP-015": FAIL}),
    "no [DONE] with echo": (stream(lambda body: body.removesuffix(DONE), echoed), {"COMP-015": FAIL}),
    "two [DONE]": (stream(lambda body: body + DONE, uncounted), {"COMP-015": FAIL}),
    "a log line in between": (event(lambda piece: piece + b"INFO: sent\n\n", counted), {"COMP-015": FAIL}),
    "an event that is no object": (stream(lambda body: b"data: []\n\n" + body), {"COMP-015": FAIL}),
    "named events": (stream(lambda body: body.replace(b"data: {", b"event: text\ndata: {")), {"COMP-015": FAIL}),
    "the object of chats": (chunk(put("object", "chat.completion.chunk")), {"COMP-015": FAIL}),
    "deltas in place of texts": (chunk(as_deltas, uncounted), {"COMP-015": FAIL}),
    "a text that is null at the end": (
        chunk(put("choices[].text", lambda text: text or None), uncounted),
        {"COMP-015": FAIL},
    ),
    "no model": (chunk(drop("model"), uncounted), {"COMP-015": FAIL}),
    "pretty-printed chunks": (
        event(lambda piece: piece.replace(b',"choices"', b',\ndata: "choices"'), uncounted),
        {"COMP-015": WARN},
    ),
    "usage asked for and not given": (asked_as(drop("stream_options"), counted), {"COMP-016": FAIL}),
    "usage in every chunk": (
        chunks(lambda found: [each | {"usage": found[-1]["usage"]} for each in found], counted),
        {"COMP-016": FAIL},
    ),
    "usage with the end": (chunks(usage_with_the_end, counted), {"COMP-016": FAIL}),
    "usage of nothing": (
        of_usage(lambda d: adding_up(completion_tokens=-d["usage"]["completion_tokens"])(d)),
        {"COMP-016": FAIL},
    ),
    "a total that does not add up": (of_usage(put("usage.total_tokens", 1)), {"COMP-016": FAIL}),
    "no usage in other chunks": (
        chunk(lambda each: each.pop("usage") and None if not each["usage"] else None, counted),
        {"COMP-016": WARN},
    ),
    "an id for each chunk": (chunk(put("id", lambda _: f"cmpl-{next(count)}")), {"COMP-038": FAIL}),
    "no id after the first": (chunk(drop("id"), only=slice(1, None)), {"COMP-038": FAIL}),
    "created in milliseconds": (chunk(put("created", lambda s: s * 1000)), {"COMP-038": FAIL}),
    "created anew": (chunk(put("created", lambda s: s + next(count))), {"COMP-038": FAIL}),
    "another fingerprint": (chunk(put("system_fingerprint", lambda _: f"{next(count)}")), {"COMP-038": WARN}),
    "no end": (chunk(put("choices[].finish_reason", None), uncounted), {"COMP-039": FAIL}),
    "two ends": (chunks(ended_twice, uncounted), {"COMP-039": FAIL}),
    "text after the end": (chunks(going_on, uncounted), {"COMP-039": FAIL}),
    "an unknown end": (chunk(put("choices[].finish_reason", lambda old: old and "eos"), uncounted), {"COMP-039": FAIL}),
    "an empty end until the end": (
        chunk(put("choices[].finish_reason", lambda old: old or "")),
        {"COMP-039": FAIL},
    ),
    "no key for the end before it": (chunk(without_end), {"COMP-039": WARN}),
    "only one of a batch ends": (
        chunk(lambda d: put("choices[].finish_reason", None)(d) if d["choices"] and d["choices"][0]["index"] else None),
        {"COMP-039": FAIL},
    ),
    "usage nobody asked for": (asked_as(put("stream_options", {"include_usage": True}), uncounted), {"COMP-040": WARN}),
    "a dearer prompt in streams": (of_usage(adding_up(prompt_tokens=1)), {"COMP-041": WARN}),
    "refusals as streams": (lambda app: changed(app, in_a_stream), {"COMP-042": FAIL}),
    "refusals as text": (lambda app: changed(app, as_text), {"COMP-019": FAIL, "COMP-042": FAIL}),
    "an unknown model is 503 in a stream": (lambda app: changed(app, failing), {"COMP-043": WARN}),
    "usage of one text for two": (chunk(one_for_two, asks("n", 2)), {"COMP-026": WARN}),
    "the last text lost": (chunks(endless, seeded), {"COMP-045": FAIL}),
    "every third text lost": (chunks(with_holes, seeded), {"COMP-045": FAIL}),
    "texts in another order": (chunks(reordered, seeded), {"COMP-045": FAIL}),
    "nothing but the count": (chunk(put("choices[].text", ""), seeded), {"COMP-027": FAIL, "COMP-045": FAIL}),
    "no index": (
        chunk(drop("choices[].index")),
        {"COMP-006": WARN, "COMP-009": FAIL, "COMP-021": FAIL, "COMP-022": FAIL},
    ),
    "an index that is missing in one chunk": (
        chunk(drop("choices[].index"), smallest, slice(1, 2)),
        {"COMP-021": FAIL},
    ),
}


@pytest.mark.parametrize("name", STREAMED)
def test_a_defect_of_streams_is_seen_by_its_requirement_alone(name: str) -> None:
    wrap, expected = STREAMED[name]
    judged = red(judge_completions(wrap))
    assert {id: said.verdict for id, said in judged.items()} == expected, judged
