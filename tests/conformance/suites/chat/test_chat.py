"""Each check of plain chats fires on its defect alone: one in the answers, or one in serving them."""

import itertools
import json
import time
from typing import Any

import pytest
from starlette.types import ASGIApp

from conformance.verdict import Verdict

from ..defects import Answer, Asked, changed, error
from ..edits import Wrap, answered, asked_as, asks, both, counts, drop, is_chat, judge_with, plainly, put, reply
from ..judged import red

FAIL, WARN, UNTESTABLE = Verdict.FAIL, Verdict.WARN, Verdict.UNTESTABLE
AREAS = ("LIST", "MODEL", "CHAT", "STREAM")
required, none = (asks("tool_choice", choice) for choice in ("required", "none"))


def drifting(app: ASGIApp) -> ASGIApp:
    """Each answer to the smallest chat costs one prompt token more than the one before."""
    times = itertools.count()

    def edit(asked: Asked, answer: Answer) -> Answer:
        if not (is_chat(asked) and plainly(asked) and answer.status == 200):
            return answer
        return reply_of(answer, counts(prompt_tokens=lambda count: count + next(times)))

    return changed(app, edit)


def reply_of(answer: Answer, edit: Any) -> Answer:
    document = answer.json
    return answer.with_json(edit(document) or document)


def doubled(document: Any) -> None:
    document["choices"].append(document["choices"][0] | {"index": 1})


def cut_short(asked: Asked, answer: Answer) -> Answer:
    """A stop sequence is taken for the token cap, which was not used up."""
    return (
        reply_of(answer, put("choices[].finish_reason", "length"))
        if asks("stop")(asked) and not asked.streams
        else answer
    )


def parts(content: Any) -> Any:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


IN_ANSWERS: dict[str, tuple[Wrap, dict[str, Verdict]]] = {
    "a member of a wrong type": (
        reply(put("choices[].message.annotations", "none"), asks("stream", False)),
        {"CHAT-001": FAIL},
    ),
    "another object": (reply(put("object", "chat.completions")), {"CHAT-002": FAIL}),
    "no object": (reply(drop("object")), {"CHAT-002": FAIL}),
    "one id for all": (reply(put("id", "chatcmpl-1")), {"CHAT-003": FAIL}),
    "an empty id": (reply(put("id", "")), {"CHAT-003": FAIL}),
    "an id that is a number": (reply(put("id", lambda _: time.time_ns())), {"CHAT-003": FAIL}),
    "created is a fraction": (reply(put("created", lambda s: s + 0.5)), {"CHAT-005": FAIL, "CHAT-006": UNTESTABLE}),
    "created in milliseconds": (reply(put("created", lambda s: s * 1000)), {"CHAT-005": FAIL, "CHAT-006": WARN}),
    "no created": (reply(drop("created")), {"CHAT-005": FAIL, "CHAT-006": UNTESTABLE}),
    "created an hour ago": (reply(put("created", lambda s: s - 3600)), {"CHAT-006": WARN}),
    "no model": (reply(drop("model")), {"CHAT-007": FAIL, "CHAT-008": UNTESTABLE}),
    "an empty model": (reply(put("model", "")), {"CHAT-007": FAIL, "CHAT-008": WARN}),
    "another model": (reply(put("model", "llama")), {"CHAT-008": WARN}),
    "two choices": (
        reply(doubled, lambda asked: not asks("n")(asked) and not asks("tools")(asked)),
        {"CHAT-009": FAIL},
    ),
    "no choice": (reply(put("choices", []), asks("stream", False)), {"CHAT-001": FAIL, "CHAT-009": FAIL}),
    "every index is 1": (reply(put("choices[].index", 1)), {"CHAT-010": FAIL}),
    "an index is a text": (reply(put("choices[].index", "0")), {"CHAT-010": FAIL}),
    "another role": (reply(put("choices[].message.role", "model")), {"CHAT-011": FAIL, "CHAT-068": FAIL}),
    "content in parts": (reply(put("choices[].message.content", parts)), {"CHAT-012": FAIL}),
    "no content with calls": (reply(drop("choices[].message.content"), required), {"CHAT-012": WARN}),
    "no refusal": (reply(drop("choices[].message.refusal")), {"CHAT-013": WARN}),
    "a refusal of a wrong type": (reply(put("choices[].message.refusal", False), none), {"CHAT-013": WARN}),
    "null at a normal end": (
        reply(both(put("choices[].message.content", None), put("choices[].finish_reason", "stop")), none),
        {"CHAT-014": FAIL},
    ),
    "an unknown end": (reply(put("choices[].finish_reason", "eos"), plainly), {"CHAT-015": FAIL}),
    "no end": (reply(put("choices[].finish_reason", None), asks("stream", False)), {"CHAT-015": FAIL}),
    "logprobs nobody asked for": (
        reply(put("choices[].logprobs", {"content": []}), asks("stream", False)),
        {"CHAT-016": WARN},
    ),
    "no usage": (reply(drop("usage")), {"CHAT-017": WARN}),
    "a total that does not add up": (reply(put("usage.total_tokens", lambda n: n + 1)), {"CHAT-018": FAIL}),
    "a count below zero": (reply(put("usage.completion_tokens", -1)), {"CHAT-018": FAIL}),
    "counts that are missing": (reply(put("usage", {})), {"CHAT-018": FAIL}),
    "no prompt tokens": (reply(counts(prompt_tokens=0), asks("stream", False)), {"CHAT-019": FAIL}),
    "no completion tokens": (reply(counts(completion_tokens=0), asks("stream", False)), {"CHAT-019": FAIL}),
    "more cached than there is": (
        reply(put("usage.prompt_tokens_details", {"cached_tokens": 10**6})),
        {"CHAT-020": WARN},
    ),
    "details of a wrong type": (reply(put("usage.completion_tokens_details", [])), {"CHAT-020": WARN}),
    "prompts that cost more each time": (drifting, {"CHAT-021": WARN}),
    "prompts of a constant cost": (reply(counts(prompt_tokens=lambda n: min(n, 30))), {"CHAT-022": WARN}),
    "one choice for two": (reply(put("choices", lambda found: found[:1]), asks("n")), {"CHAT-023": FAIL}),
    "usage of one choice for two": (reply(counts(completion_tokens=1), asks("n", 2)), {"CHAT-024": WARN}),
    "the stop sequence in the text": (
        reply(put("choices[].message.content", lambda text: text + "e"), asks("stop", ["e", "a"])),
        {"CHAT-026": FAIL},
    ),
    "a stop reported as length": (lambda app: changed(app, cut_short), {"CHAT-027": WARN}),
    "stop as a text ignored": (asked_as(drop("stop"), asks("stop", "e")), {"CHAT-028": FAIL}),
    "only one of four stops": (
        asked_as(put("stop", ["¶"]), asks("stop", ["e", "a", "i", "o"])),
        {"CHAT-028": FAIL},
    ),
    "tokens beyond the cap": (reply(counts(completion_tokens=lambda n: n + 20)), {"CHAT-031": FAIL}),
    "one token beyond the cap": (
        reply(counts(completion_tokens=lambda n: n + 1), asks("stream", False)),
        {"CHAT-031": WARN},
    ),
}


def has_role(role: str) -> Any:
    return lambda asked: any(message.get("role") == role for message in messages(asked))


def messages(asked: Asked) -> list[Any]:
    found = asked.object.get("messages")
    return [message for message in found if isinstance(message, dict)] if isinstance(found, list) else []


def content(fits: Any) -> Any:
    return lambda asked: any(fits(message.get("content")) for message in messages(asked) if "content" in message)


def holds(piece: str) -> Any:
    return content(lambda text: isinstance(text, str) and piece in text)


def accepting(value: str | None) -> Any:
    return lambda asked: asked.header("accept") == value and not asked.streams


def events_for_all(asked: Asked) -> Answer:
    return Answer(200, ((b"content-type", b"text/event-stream"),), b'data: {"choices": []}\n\ndata: [DONE]\n\n')


def capped(*caps: Any) -> Any:
    return lambda asked: any(
        type(asked.object.get("max_completion_tokens")) is type(cap) and asked.object["max_completion_tokens"] == cap
        for cap in caps
    )


def latin(asked: Asked, answer: Answer) -> Answer:
    """Prompts in other scripts are answered in Latin-1."""
    if not holds("日本語")(asked):
        return answer
    document = answer.json
    document["choices"][0]["message"]["content"] = "déjà vu"
    return Answer(200, answer.headers, json.dumps(document, ensure_ascii=False).encode("latin-1"))


def escaped_costs_more(asked: Asked, answer: Answer) -> Answer:
    if b"\\u65e5" not in asked.body:
        return answer
    return reply_of(answer, counts(prompt_tokens=lambda count: count + 9))


IN_SERVING: dict[str, tuple[Wrap, dict[str, Verdict]]] = {
    "caps ignored": (
        asked_as(both(drop("max_completion_tokens"), drop("max_tokens")), lambda asked: 5 in asked.object.values()),
        {"CHAT-029": FAIL, "CHAT-030": WARN},
    ),
    "a cap of none": (asked_as(put("max_completion_tokens", 4), capped(0, -1, 1.5, "10")), {"CHAT-032": WARN}),
    "a cap that crashes": (answered(capped(-1), error(500)), {"CHAT-032": FAIL}),
    "text parts refused": (
        answered(lambda a: content(lambda text: isinstance(text, list))(a) and not has_role("tool")(a), error(400)),
        {"CHAT-060": FAIL},
    ),
    "system turns refused": (answered(has_role("system"), error(400)), {"CHAT-064": FAIL}),
    "a null refusal refused": (
        answered(lambda asked: any("refusal" in message for message in messages(asked)), error(400)),
        {"CHAT-068": FAIL},
    ),
    "no messages at all": (
        asked_as(put("messages", [{"role": "user", "content": "Hi"}]), asks("messages", [])),
        {"CHAT-069": FAIL},
    ),
    "a hot temperature": (asked_as(drop("temperature"), asks("temperature", "hot")), {"CHAT-072": FAIL}),
    "stream options of any type": (asked_as(drop("stream_options"), asks("stream_options", 7)), {"CHAT-072": FAIL}),
    "nulls refused": (answered(asks("temperature", None), error(400)), {"CHAT-073": WARN}),
    "nulls that crash": (answered(asks("temperature", None), error(500)), {"CHAT-073": FAIL}),
    "an unknown field that crashes": (answered(asks("x_conformance"), error(500)), {"CHAT-074": FAIL}),
    "other scripts refused": (answered(holds("日本語"), error(400)), {"CHAT-076": FAIL}),
    "other scripts counted by their escapes": (lambda app: changed(app, escaped_costs_more), {"CHAT-076": FAIL}),
    "answers in Latin-1": (lambda app: changed(app, latin), {"CHAT-001": FAIL, "CHAT-076": FAIL}),
    "half a surrogate pair that crashes": (answered(holds("\ud83d"), error(500)), {"CHAT-077": FAIL}),
    "events whatever is accepted": (
        answered(accepting("text/event-stream"), events_for_all),
        {"CHAT-084": FAIL},
    ),
    "no Accept, no answer": (answered(accepting(None), error(406)), {"CHAT-084": FAIL}),
    "a charset refused": (
        answered(lambda asked: "charset" in (asked.header("content-type") or ""), error(415)),
        {"CHAT-085": FAIL},
    ),
    "stream false refused": (answered(asks("stream", False), error(400)), {"CHAT-086": FAIL}),
    "stream null is a stream": (
        answered(lambda asked: asked.object.get("stream", 0) is None and len(asked.object) == 4, events_for_all),
        {"CHAT-086": FAIL},
    ),
    "stream as a text that crashes": (answered(asks("stream", "true"), error(500)), {"CHAT-086": FAIL}),
    "blank content that crashes": (answered(content(lambda text: text == " "), error(500)), {"CHAT-087": FAIL}),
}


@pytest.mark.parametrize("name", IN_ANSWERS)
def test_a_defect_of_answers_is_seen_by_its_requirement_alone(name: str) -> None:
    wrap, expected = IN_ANSWERS[name]
    judged = red(judge_with(wrap, *AREAS))
    assert {id: said.verdict for id, said in judged.items()} == expected, judged


@pytest.mark.parametrize("name", IN_SERVING)
def test_a_defect_in_serving_is_seen_by_its_requirement_alone(name: str) -> None:
    wrap, expected = IN_SERVING[name]
    judged = red(judge_with(wrap, *AREAS))
    assert {id: said.verdict for id, said in judged.items()} == expected, judged
