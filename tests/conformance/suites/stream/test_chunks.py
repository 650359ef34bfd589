"""Each check of the chunks of a streamed chat fires on its defect and on nothing else."""

import itertools
from copy import deepcopy
from typing import Any

import pytest

from conformance.verdict import Verdict

from ..defects import Asked
from ..edits import Wrap, asked_as, asks, chunk, chunks, drop, judge_with, plainly_streamed, put
from ..judged import red

FAIL, WARN, UNTESTABLE = Verdict.FAIL, Verdict.WARN, Verdict.UNTESTABLE
AREAS = ("LIST", "MODEL", "CHAT", "STREAM")
DELTA, FRAGMENT = "choices[].delta", "choices[].delta.tool_calls[]"
FIRST, SECOND, LATER = slice(0, 1), slice(1, 2), slice(1, None)
tools = asks("tools")
with_usage = asks("stream_options", {"include_usage": True})
count = itertools.count(1)


def without_usage(asked: Asked) -> bool:
    return "stream_options" not in asked.object


def talking(asked: Asked) -> bool:
    """Streams of text, which have no tool calls."""
    return asked.streams and "tools" not in asked.object


def n_of_text(asked: Asked) -> bool:
    """Streams of several texts, which have no tool calls."""
    return talking(asked) and "n" in asked.object


def finish(edit: Any) -> Any:
    """The last chunk with a choice."""

    def change(found: list[Any]) -> list[Any]:
        last = next(each for each in reversed(found) if each["choices"] and each["choices"][0]["finish_reason"])
        edit(last)
        return found

    return change


def added(at: int, **members: Any) -> Any:
    """One more chunk, made of the first, at this place."""

    def change(found: list[Any]) -> list[Any]:
        more = deepcopy(found[0]) | members
        return [*found[:at], more, *found[at:]] if at >= 0 else [*found, more]

    return change


def choice(**members: Any) -> list[Any]:
    return [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": None} | members]


def usage_of(edit: Any) -> Any:
    """The chunk with usage, and what is left adds up."""

    def change(found: list[Any]) -> list[Any]:
        usage = found[-1]["usage"]
        edit(usage)
        usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
        return found

    return change


def usage_everywhere(found: list[Any]) -> list[Any]:
    return [each | {"usage": found[-1]["usage"]} for each in found]


def usage_earlier(found: list[Any]) -> list[Any]:
    return [*found[:-2], found[-1], found[-2]]


def usage_with_the_end(found: list[Any]) -> list[Any]:
    return [*found[:-2], found[-2] | {"usage": found[-1]["usage"]}]


def from_one(index: Any) -> Any:
    return index + 1


def first_fragments(edit: Any) -> Any:
    """The fragments that begin a call."""

    def change(document: Any) -> None:
        for each in document["choices"]:
            for fragment in each["delta"].get("tool_calls", ()):
                if "id" in fragment:
                    edit(fragment)

    return chunk(change, tools)


def later_fragments(edit: Any) -> Any:
    def change(document: Any) -> None:
        for each in document["choices"]:
            for fragment in each["delta"].get("tool_calls", ()):
                if "id" not in fragment:
                    edit(fragment)

    return chunk(change, tools)


def repeating(key: str) -> Any:
    """Each fragment repeats what the first one of its call said."""

    def change(found: list[Any]) -> list[Any]:
        said: dict[int, Any] = {}
        for fragment in (f for each in found for c in each["choices"] for f in c["delta"].get("tool_calls", ())):
            source = fragment if key == "id" else fragment["function"]
            source.setdefault(key, said.get(fragment["index"]))
            said[fragment["index"]] = source[key]
        return found

    return chunks(change, tools)


CHUNKS: dict[str, tuple[Wrap, dict[str, Verdict]]] = {
    "a member of a wrong type": (chunk(put(f"{DELTA}.refusal", 5), plainly_streamed, SECOND), {"STREAM-012": FAIL}),
    "a refusal of a wrong type": (chunk(put(f"{DELTA}.refusal", []), only=FIRST), {"STREAM-012": FAIL}),
    "no model": (chunk(drop("model"), only=LATER), {"STREAM-012": FAIL}),
    "choices that are null": (chunks(added(1, choices=None), plainly_streamed), {"STREAM-012": FAIL}),
    "tool calls that are no array": (chunk(put(f"{DELTA}.tool_calls", {}), talking, FIRST), {"STREAM-012": FAIL}),
    "the object of a plain answer": (chunk(put("object", "chat.completion")), {"STREAM-013": FAIL}),
    "an id for each chunk": (chunk(put("id", lambda _: f"chatcmpl-{next(count)}")), {"STREAM-014": FAIL}),
    "no id after the first": (chunk(drop("id"), only=LATER), {"STREAM-014": FAIL}),
    "created anew": (chunk(put("created", lambda s: s + next(count))), {"STREAM-015": FAIL}),
    "created in milliseconds": (chunk(put("created", lambda s: s * 1000)), {"STREAM-015": FAIL}),
    "created is a fraction": (chunk(put("created", lambda s: s + 0.5)), {"STREAM-015": FAIL}),
    "another model at the end": (chunk(put("model", "gpt"), only=LATER), {"STREAM-016": WARN}),
    "a fingerprint for each": (chunk(put("system_fingerprint", lambda _: f"{next(count)}")), {"STREAM-016": WARN}),
    "one id for all streams": (chunk(put("id", "chatcmpl-1")), {"STREAM-017": FAIL}),
    "no index": (chunk(drop("choices[].index"), talking), {"STREAM-018": FAIL, "STREAM-045": FAIL}),
    "an index that is a text": (chunk(put("choices[].index", "0"), plainly_streamed), {"STREAM-018": FAIL}),
    "an index out of range": (chunk(put("choices[].index", 1), plainly_streamed), {"STREAM-018": FAIL}),
    "a delta that is null": (chunks(finish(put(DELTA, None))), {"STREAM-019": FAIL}),
    "no delta at the end": (chunks(finish(drop(DELTA))), {"STREAM-019": FAIL}),
    "no role": (chunk(drop(f"{DELTA}.role")), {"STREAM-020": FAIL}),
    "another role": (chunk(put(f"{DELTA}.role", "model"), only=FIRST), {"STREAM-020": FAIL}),
    "the role comes second": (chunks(added(0, choices=choice()), plainly_streamed), {"STREAM-020": FAIL}),
    "the role in every chunk": (chunk(put(f"{DELTA}.role", "assistant")), {"STREAM-021": WARN}),
    "an empty role": (chunk(put(f"{DELTA}.role", lambda old: old or "")), {"STREAM-021": WARN}),
    "content in parts": (
        chunk(put(f"{DELTA}.content", [{"type": "text", "text": "x"}]), plainly_streamed, SECOND),
        {"STREAM-022": FAIL},
    ),
    "content that is a number": (chunk(put(f"{DELTA}.content", 0), only=FIRST), {"STREAM-022": FAIL}),
    "no end": (chunk(put("choices[].finish_reason", None), talking), {"STREAM-023": FAIL}),
    "two ends": (
        chunks(added(-1, choices=choice(finish_reason="stop")), plainly_streamed),
        {"STREAM-023": FAIL},
    ),
    "only one of two choices ends": (
        chunk(
            lambda each: (
                put("choices[].finish_reason", None)(each) if each["choices"] and each["choices"][0]["index"] else None
            ),
            n_of_text,
        ),
        {"STREAM-023": FAIL},
    ),
    "an empty end in every chunk": (chunk(put("choices[].finish_reason", lambda old: old or "")), {"STREAM-024": FAIL}),
    "an unknown end": (
        chunk(put("choices[].finish_reason", lambda old: old and "eos"), plainly_streamed),
        {"STREAM-024": FAIL},
    ),
    "no finish_reason before the end": (chunk(drop("choices[].finish_reason"), only=FIRST), {"STREAM-024": WARN}),
    "text after the end": (
        chunks(added(-1, choices=choice(delta={"content": "…"})), plainly_streamed),
        {"STREAM-025": FAIL},
    ),
    "usage nobody asked for": (
        chunks(
            added(-1, choices=[], usage={"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}),
            plainly_streamed,
        ),
        {"STREAM-029": WARN},
    ),
    "usage asked for and not given": (
        asked_as(drop("stream_options"), lambda asked: asked.streams and with_usage(asked)),
        {"STREAM-030": FAIL},
    ),
    "usage in every chunk": (chunks(usage_everywhere, with_usage), {"STREAM-030": FAIL}),
    "usage with the end": (chunks(usage_with_the_end, with_usage), {"STREAM-031": FAIL}),
    "usage before the end": (chunks(usage_earlier, with_usage), {"STREAM-031": FAIL}),
    "usage without choices": (chunk(put("choices", lambda old: old or None), with_usage), {"STREAM-031": FAIL}),
    "usage in one chunk only": (
        chunk(lambda each: each.pop("usage") and None if not each["usage"] else None, with_usage),
        {"STREAM-032": WARN},
    ),
    "usage details of a wrong type": (
        chunks(usage_of(put("prompt_tokens_details", [])), with_usage),
        {"STREAM-012": FAIL},
    ),
    "a total that does not add up": (
        chunk(lambda each: each["usage"] and put("usage.total_tokens", 1)(each), with_usage),
        {"STREAM-033": FAIL},
    ),
    "usage of nothing": (chunks(usage_of(put("completion_tokens", 0)), with_usage), {"STREAM-033": FAIL}),
    "usage beyond the cap": (
        chunks(usage_of(put("completion_tokens", lambda n: n + 14)), with_usage),
        {"STREAM-033": FAIL},
    ),
    "other prompt tokens": (chunks(usage_of(put("prompt_tokens", lambda n: n + 1)), with_usage), {"STREAM-034": WARN}),
    "a chunk without choices": (chunks(added(1, choices=[]), without_usage), {"STREAM-036": WARN}),
    "Azure's verdict on the prompt": (
        chunks(added(0, choices=[], id="", object="", created=0, model="", prompt_filter_results=[]), without_usage),
        {"STREAM-036": WARN},
    ),
    "fragments without index": (chunk(drop(f"{FRAGMENT}.index"), tools), {"STREAM-037": FAIL}),
    "fragments that are no objects": (
        chunk(put(f"{DELTA}.tool_calls", lambda old: old and [*old, "x"]), tools, slice(1, 2)),
        {"STREAM-037": FAIL},
    ),
    "a call without id": (first_fragments(put("id", "")), {"STREAM-038": FAIL}),
    "a call without type": (first_fragments(drop("type")), {"STREAM-038": FAIL}),
    "a call without name": (first_fragments(drop("function.name")), {"STREAM-038": FAIL}),
    "ids repeated": (repeating("id"), {"STREAM-039": FAIL}),
    "names repeated": (repeating("name"), {"STREAM-039": FAIL}),
    "a type that is null": (later_fragments(put("type", None)), {"STREAM-040": FAIL}),
    "calls counted from 1": (chunk(put(f"{FRAGMENT}.index", from_one), tools), {"STREAM-041": FAIL}),
    "calls that all begin at 0": (chunk(put(f"{FRAGMENT}.index", 0), tools), {"STREAM-041": FAIL}),
    "arguments that are an object": (
        later_fragments(put("function.arguments", {"city": "Oslo"})),
        {"STREAM-043": FAIL},
    ),
    "arguments that are null later": (later_fragments(put("function.arguments", None)), {"STREAM-043": FAIL}),
    "two choices merged into one": (chunk(put("choices[].index", 0), n_of_text), {"STREAM-045": FAIL}),
    "one choice for two": (asked_as(drop("n"), n_of_text), {"STREAM-045": FAIL}),
}


@pytest.mark.parametrize("name", CHUNKS)
def test_a_defect_of_chunks_is_seen_by_its_requirement_alone(name: str) -> None:
    wrap, expected = CHUNKS[name]
    judged = red(judge_with(wrap, *AREAS))
    assert {id: said.verdict for id, said in judged.items()} == expected, judged
