"""Variations that harm nobody turn nothing red, and warn only of what the catalogue says is worth a warning."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from starlette.types import ASGIApp

from conformance.verdict import Verdict

from ..defects import Asked, before, error
from ..edits import (
    Wrap,
    answered,
    asked_as,
    asks,
    both,
    chained,
    chunk,
    chunks,
    drop,
    event,
    is_chat,
    judge_with,
    put,
    refusing,
    reply,
    stream,
)
from ..harmless import cached, everywhere, unprocessable
from ..judged import red

AREAS = ("LIST", "MODEL", "CHAT", "STREAM")
CALLS = "choices[].message.tool_calls"
DELTA = "choices[].delta"
tools = asks("tools")
with_usage = asks("stream_options")


# Plain answers and streams of another kind


def text(edit: Callable[[str], Any], finish: Callable[[Any], Any] = lambda old: old) -> Wrap:
    """All answers without tool calls say this, plain or streamed."""

    def in_reply(document: Any) -> None:
        for each in document["choices"]:
            if not each["message"].get("tool_calls"):
                each["message"]["content"] = edit(each["message"]["content"])
                each["finish_reason"] = finish(each["finish_reason"])

    def in_chunk(document: Any) -> None:
        for each in document["choices"]:
            if each["delta"].get("content"):
                each["delta"]["content"] = edit(each["delta"]["content"])
            each["finish_reason"] = each["finish_reason"] and finish(each["finish_reason"])

    def talking(asked: Asked) -> bool:
        return not tools(asked) or asked.object.get("tool_choice") == "none"

    return chained(reply(in_reply, is_free), chunk(in_chunk, lambda asked: talking(asked) and is_free(asked)))


def is_free(asked: Asked) -> bool:
    """Chats whose answer need not be JSON."""
    wanted = asked.object.get("response_format")
    return not isinstance(wanted, dict) or wanted.get("type") == "text"


def free_of_charge(document: Any) -> None:
    """What is empty costs nothing."""
    usage = document.get("usage")
    if usage and not any(each["message"].get("tool_calls") for each in document["choices"]):
        usage["completion_tokens"] = 0
        usage["total_tokens"] = usage["prompt_tokens"]


def thinking_only(document: Any) -> None:
    for each in document["choices"]:
        if not each["message"].get("tool_calls"):
            message = each["message"]
            message["reasoning_content"], message["content"] = message["content"], None
            each["finish_reason"] = "length"


def thoughts_only(document: Any) -> None:
    for each in document["choices"]:
        if each["delta"].get("content"):
            each["delta"] = {"reasoning_content": each["delta"]["content"], "content": None}
        each["finish_reason"] = each["finish_reason"] and "length"


def thinking_first(found: list[Any]) -> list[Any]:
    """Some thoughts after the role, without content."""
    thought = deepcopy(found[0])
    thought["choices"][0]["delta"] = {"reasoning_content": "Hm.", "content": None}
    return [found[0], thought, deepcopy(thought), *found[1:]]


def alone(asked: Asked) -> bool:
    """Streams of one text and nothing else."""
    return not (tools(asked) or with_usage(asked) or asks("n")(asked) or asks("stop")(asked))


def joined(found: list[Any]) -> list[Any]:
    """The first piece of text comes with the role, the last with the end."""
    if len(found) < 4 or any(len(each["choices"]) != 1 for each in found):
        return found
    first, second, *middle, end = found
    first["choices"][0]["delta"]["content"] = second["choices"][0]["delta"].get("content") or ""
    end["choices"][0]["delta"]["content"] = middle.pop()["choices"][0]["delta"].get("content") if middle else ""
    return [first, *middle, end]


def whole_calls(found: list[Any]) -> list[Any]:
    """Each tool call in one fragment."""
    calls: dict[tuple[int, int], Any] = {}
    rest = []
    for each in found:
        fragments = [(c["index"], f) for c in each["choices"] for f in c["delta"].get("tool_calls", ())]
        for choice, fragment in fragments:
            whole = calls.setdefault((choice, fragment["index"]), fragment)
            if whole is not fragment:
                whole["function"]["arguments"] += fragment["function"]["arguments"]
        if not fragments or any("id" in fragment for _, fragment in fragments):
            rest.append(each)
    return rest


def without_usage(document: Any) -> None:
    if document.get("usage", 0) is None:
        del document["usage"]


def without_finish(document: Any) -> None:
    for each in document["choices"]:
        if each["finish_reason"] is None:
            del each["finish_reason"]


def without_content(document: Any) -> None:
    for each in document["choices"]:
        if each["message"].get("tool_calls"):
            del each["message"]["content"]


def fragments(edit: Callable[[Any], None]) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        for each in document["choices"]:
            for fragment in each["delta"].get("tool_calls", ()):
                edit(fragment)

    return change


def nothing_again(fragment: Any) -> None:
    fragment.setdefault("id", None)
    fragment["function"].setdefault("name", "")


def null_arguments_first(fragment: Any) -> None:
    if "id" in fragment:
        fragment["function"]["arguments"] = None


class Ids:
    """Ids in a format of one's own: the same in all chunks of a stream."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}

    def __call__(self, id: str) -> str:
        return self.known.setdefault(id, f"gen-{len(self.known):08x}/ü")


# What is not offered


def is_given_back(asked: Asked) -> bool:
    return "reasoning_content" in str(asked.object.get("messages"))


def ignoring_tools(asked: Asked) -> bool:
    return asked.object.get("tool_choice") == "auto"


def counted(asked: Asked) -> bool:
    return isinstance(asked.object.get("stream_options"), dict)


def only_max_tokens(app: ASGIApp) -> ASGIApp:
    return refusing(asks("max_completion_tokens"))(app)


GREEN: dict[str, tuple[Wrap, set[str]]] = {
    "members of one's own": (chained(reply(everywhere), chunk(everywhere)), set()),
    "no refusal": (chained(reply(drop("choices[].message.refusal")), chunk(drop(f"{DELTA}.refusal"))), {"CHAT-013"}),
    "no logprobs and annotations": (
        chained(
            reply(drop("choices[].message.annotations")),
            reply(drop("choices[].logprobs"), lambda asked: not asks("logprobs", True)(asked)),
            chunk(drop("choices[].logprobs"), lambda asked: not asks("logprobs", True)(asked)),
        ),
        set(),
    ),
    "usage details that are null": (
        chained(
            reply(both(put("usage.prompt_tokens_details", None), put("usage.completion_tokens_details", None))),
            chunk(put("usage.prompt_tokens_details", None), with_usage, slice(-1, None)),
        ),
        set(),
    ),
    "no usage in other chunks": (chunk(without_usage, with_usage), {"STREAM-032"}),
    "no fingerprint and no tier": (
        chained(
            reply(both(drop("system_fingerprint"), drop("service_tier"))),
            chunk(both(put("system_fingerprint", None), drop("service_tier"))),
        ),
        set(),
    ),
    "no finish_reason before the end": (chunk(without_finish), {"STREAM-024"}),
    "empty and null tool calls": (
        chained(reply(put(CALLS, lambda old: old or None)), chunk(put(f"{DELTA}.tool_calls", lambda old: old or []))),
        set(),
    ),
    "no content with tool calls": (reply(without_content), {"CHAT-012"}),
    "CRLF": (stream(lambda body: body.replace(b"\n", b"\r\n")), set()),
    "data without a space": (stream(lambda body: body.replace(b"data: ", b"data:")), set()),
    "keep-alive comments": (event(lambda piece: b": keep-alive\n\n: still here\n" + piece), set()),
    "event: message, and ids": (
        stream(lambda body: body.replace(b"data: {", b"event: message\nid: 7\ndata: {")),
        set(),
    ),
    "retry beside data": (stream(lambda body: b"retry: 3000\n" + body), set()),
    "blank lines between events": (stream(lambda body: body.replace(b"\n\n", b"\n\n\n\n")), set()),
    "a comment after [DONE]": (stream(lambda body: body + b": bye\n\n"), set()),
    "ids of another format": (chained(reply(put("id", Ids())), chunk(put("id", Ids()))), {"CHAT-004"}),
    "a dated model": (
        chained(reply(put("model", "gpt-4o-mini-2024-07-18")), chunk(put("model", "gpt-4o-mini-2024-07-18"))),
        set(),
    ),
    "a model with its vendor": (
        chained(reply(put("model", "openai/gpt-4o-mini")), chunk(put("model", "openai/gpt-4o-mini"))),
        set(),
    ),
    "thoughts before the text": (
        chained(reply(put("choices[].message.reasoning_content", "Hm.")), chunks(thinking_first, alone)),
        set(),
    ),
    "nothing but thoughts until the cap": (
        chained(
            reply(thinking_only, lambda asked: not asks("stop")(asked)),
            chunk(thoughts_only, lambda asked: not (tools(asked) or asks("stop")(asked))),
            asked_as(put("messages[].content", lambda old: "" if old is None else old), is_given_back),
        ),
        set(),
    ),
    "text with the role and with the end": (chunks(joined, alone), set()),
    "each tool call in one fragment": (chunks(whole_calls, tools), set()),
    "null and empty members in later fragments": (chunk(fragments(nothing_again), tools), set()),
    "null arguments in the first fragment": (chunk(fragments(null_arguments_first), tools), set()),
    "a null role later": (chunk(put(f"{DELTA}.role", lambda old: old)), set()),
    "the role repeated": (chunk(put(f"{DELTA}.role", "assistant")), {"STREAM-021"}),
    "an answer that is always empty": (
        chained(text(lambda old: "", lambda old: "stop"), reply(free_of_charge, is_free)),
        set(),
    ),
    "an answer that always runs into its cap": (
        text(lambda old: old, lambda old: "length"),
        {"CHAT-027", "CHAT-107", "STREAM-077"},
    ),
    "a content filter": (text(lambda old: old, lambda old: "content_filter"), set()),
    "422 for 400": (unprocessable, set()),
    "equal requests from a cache": (cached(is_chat), {"CHAT-003", "STREAM-017"}),
    "no usage, and none to be had": (chained(reply(drop("usage")), refusing(counted)), {"CHAT-017"}),
    "no model by its id": (
        lambda app: before(
            app, lambda asked: error(404) if "/models/" in asked.path or "no-such" in asked.path else None
        ),
        set(),
    ),
    "no n": (refusing(asks("n", 2)), set()),
    "no stop": (refusing(lambda asked: asked.object.get("stop") is not None), set()),
    "no tools": (refusing(lambda asked: isinstance(asked.object.get("tools"), list), 422), set()),
    "no logprobs": (refusing(asks("logprobs", True)), set()),
    "no stream options": (refusing(counted), set()),
    "max_tokens only": (only_max_tokens, {"CHAT-030"}),
    "max_completion_tokens only": (refusing(asks("max_tokens")), {"CHAT-030"}),
    "one of two caps ignored": (asked_as(drop("max_tokens"), asks("max_tokens", 5)), {"CHAT-030"}),
    "a model that takes no temperature and no stop": (
        refusing(lambda asked: asked.object.get("temperature") is not None or asked.object.get("stop") is not None),
        set(),
    ),
    "tools ignored unless they must be used": (asked_as(put("tool_choice", "none"), ignoring_tools), set()),
    "unknown fields refused": (refusing(asks("x_conformance")), set()),
    "any model is served": (
        asked_as(put("model", "gpt-4o-mini"), lambda asked: str(asked.object.get("model")).startswith("gateproof")),
        set(),
    ),
    "Accept is taken at its word": (
        answered(lambda a: a.header("accept") == "text/event-stream" and not a.streams, error(406)),
        set(),
    ),
}


@pytest.mark.parametrize("name", GREEN)
def test_what_harms_nobody_turns_nothing_red(name: str) -> None:
    wrap, warned = GREEN[name]
    judged = red(judge_with(wrap, *AREAS))
    assert {id for id, said in judged.items()} <= warned, judged
    assert all(said.verdict is Verdict.WARN for said in judged.values()), judged
