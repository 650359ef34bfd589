"""Streams whose chunks are wrong: ids, choices, deltas, finish reasons and usage."""

import itertools
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from reference_gateway.faults.edits import (
    asked_as,
    asks,
    drop,
    is_chat,
    plainly_streamed,
    put,
)
from reference_gateway.faults.fault import table
from reference_gateway.faults.streams import (
    Document,
    at_the_end,
    bare,
    beside,
    choice,
    counted,
    ending,
    folded,
    held,
    is_end,
    of_text,
    on_chats,
    one_of_text,
    remembering,
    with_usage,
    without_usage,
)

CHUNKS = table("streaming")
USAGE = table("usage")
row = CHUNKS.add
DELTA = "choices[].delta"
FIRST, SECOND, LATER = slice(0, 1), slice(1, 2), slice(1, None)
_numbers = itertools.count(1)


def cumulative(given: Document, memory: dict[Any, Any]) -> None:
    """Each delta holds all the text so far."""
    for each in given["choices"]:
        if each["delta"].get("content"):
            memory[each["index"]] = memory.get(each["index"], "") + each["delta"]["content"]
            each["delta"]["content"] = memory[each["index"]]


def one_end_only(given: Document) -> None:
    for each in given["choices"]:
        if each["index"]:
            each["finish_reason"] = None


def usage_with_the_end(found: list[Document]) -> list[Document]:
    *rest, end, usage = found
    return [*rest, end | {"usage": usage["usage"]}]


def ids_for_each(given: Document, memory: dict[Any, Any]) -> None:
    given["id"] = f"chatcmpl-{next(_numbers)}"


def created_anew(given: Document, memory: dict[Any, Any]) -> None:
    """Each chunk is stamped a second later than the one before."""
    memory["chunks"] = memory.get("chunks", 0) + 1
    given["created"] += memory["chunks"]


def torn(given: Document) -> None:
    """Characters of many bytes are decoded piece by piece."""
    for each in given["choices"]:
        text = each["delta"].get("content")
        if text and not text.isascii():
            each["delta"]["content"] = "".join(c if c.isascii() else "\ufffd\ufffd" for c in text)


def usage_so_far(given: Document, memory: dict[Any, Any]) -> None:
    memory["tokens"] = memory.get("tokens", 0) + 1
    count = memory["tokens"]
    given["usage"] = given.get("usage") or {"prompt_tokens": 9, "completion_tokens": count, "total_tokens": 9 + count}


def halves() -> Callable[[Document | None], list[Document]]:
    """A character beyond the basic plane comes as two chunks with half of a surrogate pair each."""

    def edit(given: Document | None) -> list[Document]:
        if given is None:
            return []
        text = next((each["delta"].get("content") for each in given["choices"]), None) or ""
        place = next((n for n, c in enumerate(text) if ord(c) > 0xFFFF), -1)
        if place < 0 or len(given["choices"]) != 1:
            return [given]
        code = ord(text[place]) - 0x10000
        first, second = deepcopy(given), deepcopy(given)
        first["choices"][0]["delta"]["content"] = text[:place] + chr(0xD800 + (code >> 10))
        second["choices"][0]["delta"]["content"] = chr(0xDC00 + (code & 0x3FF)) + text[place + 1 :]
        return [first, second]

    return edit


def lossy(given: Document, memory: dict[Any, Any]) -> None:
    """Every fifth piece of text is lost."""
    for each in given["choices"]:
        if each["delta"].get("content"):
            memory["pieces"] = memory.get("pieces", 0) + 1
            if memory["pieces"] % 5 == 0:
                each["delta"]["content"] = ""


# fmt: off
row("chunk-member-of-wrong-type", "STREAM-012", on_chats(put(f"{DELTA}.refusal", []), only=FIRST),
    "Typed clients refuse the whole stream.")
row("chunk-without-model", "STREAM-012", on_chats(drop("model"), only=LATER),
    "Typed clients refuse every chunk but the first.")
row("chunk-with-null-choices", "STREAM-012 SDK-005",
    beside(lambda given: given | {"choices": None}, before=is_end, where=plainly_streamed),
    "Clients iterate over null and crash.", "null choices in keep-alive chunks of proxies")
row("chunk-object-of-plain-answer", "STREAM-013 SDK-005 SDK-006 SDK-025 SDK-026",
    on_chats(put("object", "chat.completion")),
    "openai-python's stream helper drops every chunk.")
row("chunk-id-for-each", "STREAM-014", remembering(ids_for_each, is_chat),
    "Clients that group by id show one message per word.")
row("chunk-id-only-in-the-first", "STREAM-014", on_chats(drop("id"), only=LATER),
    "Clients that group by id lose all but the first piece.")
row("chunk-created-anew", "STREAM-015", remembering(created_anew, is_chat),
    "Caches and traces keyed by time see many answers.", "gateways that stamp each chunk with time.now()")
row("chunk-created-in-milliseconds", "STREAM-015", on_chats(put("created", lambda s: s * 1000)),
    "Dates lie in the year 57,000.")
row("chunk-model-changes", "STREAM-016", on_chats(put("model", "gpt"), only=LATER),
    "Bills by model are split over two models.", "NeMo platform pull request 1590: names leak in some places only")
row("stream-ids-constant", "STREAM-017", on_chats(put("id", "chatcmpl-1")),
    "Traces of different users are taken for one.")
row("chunk-choice-without-index", "STREAM-018 SDK-005 SDK-025", on_chats(drop("choices[].index"), one_of_text),
    "openai-python's helper raises; with n=2 the two texts are mixed.")
row("chunk-index-is-text", "STREAM-018 SDK-005", on_chats(put("choices[].index", "0"), plainly_streamed),
    "Clients that compare with 0 lose the text.")
row("chunk-index-out-of-range", "STREAM-018 SDK-005", on_chats(put("choices[].index", 1), plainly_streamed),
    "Clients that read choice 0 show nothing.")
row("chunk-delta-null-at-the-end", "STREAM-019 SDK-005 SDK-006 SDK-025 SDK-026", on_chats(ending(put(DELTA, None))),
    "Clients read a member of null at the last chunk, so the answer is lost at its end.")
row("chunk-without-delta-at-the-end", "STREAM-019 SDK-005 SDK-006 SDK-025 SDK-026", on_chats(ending(drop(DELTA))),
    "Clients raise at the last chunk.")
row("stream-without-role", "STREAM-020 SDK-005", on_chats(drop(f"{DELTA}.role")),
    "langchain.js drops the tool calls of such a stream.", "OmniRoute issue 3911")
row("stream-role-of-another-api", "STREAM-020 SDK-005", on_chats(put(f"{DELTA}.role", "model"), only=FIRST),
    "Clients do not know whose message it is.", "the role of Gemini's own API")
row("stream-role-in-every-chunk", "STREAM-021 SDK-005", on_chats(put(f"{DELTA}.role", "assistant")),
    "openai-python's helper ends with the role 'assistantassistant'.", "Ollama and others repeat it")
row("stream-role-empty-later", "STREAM-021", on_chats(put(f"{DELTA}.role", lambda old: old or "")),
    "The Vercel AI SDK refuses the stream.", "MiniMax streams an empty role")
row("chunk-content-in-parts", "STREAM-022",
    on_chats(put(f"{DELTA}.content", lambda old: [{"type": "text", "text": old}] if old else old), plainly_streamed),
    "Clients join lists to texts and crash.", "Mistral's reasoning models send parts")
row("chunk-content-is-false", "STREAM-022 SDK-005 SDK-026", on_chats(put(f"{DELTA}.content", False), only=FIRST),
    "Typed clients refuse the chunk.")
row("stream-without-finish-reason", "STREAM-023", on_chats(put("choices[].finish_reason", None), of_text),
    "A whole answer can't be told from one that was cut off.", "lm-proxy and others never end a choice")
row("stream-finishes-twice", "STREAM-023",
    at_the_end(choice(finish_reason="stop"), plainly_streamed),
    "Agents start the next step twice.")
row("stream-only-one-of-two-choices-ends", "STREAM-023", on_chats(one_end_only, asks("n", 2)),
    "Clients wait for the second choice.", "LiteLLM 1.106 ends only choice 0 of n=2")
row("stream-finish-reason-empty-until-the-end", "STREAM-024",
    on_chats(put("choices[].finish_reason", lambda old: old or "")),
    "Clients that ask whether there is a finish reason stop at the first word.",
    "the live watsonx.ai gateway")
row("stream-finish-reason-of-the-engine", "STREAM-024",
    on_chats(put("choices[].finish_reason", lambda old: old and "eos_token"), plainly_streamed),
    "Typed clients refuse the last chunk.", "TGI's eos_token")
row("stream-finish-reason-only-at-the-end", "STREAM-024", on_chats(drop("choices[].finish_reason"), only=FIRST),
    "Typed clients refuse the first chunk.")
row("stream-text-after-the-end", "STREAM-025", at_the_end(choice(delta={"content": "…"}), plainly_streamed),
    "Clients that stop reading at the finish reason lose the last words.")
row("stream-text-comes-twice", "STREAM-067", remembering(cumulative, bare),
    "Users read the answer many times over: deltas that are whole texts.",
    "adapters of engines whose own stream is cumulative")
row("stream-without-usage-choices", "STREAM-036",
    beside(lambda given: given | {"choices": []}, before=is_end, where=without_usage),
    "Clients that read choices[0] crash.", "moderation chunks")
row("stream-begins-with-a-verdict-on-the-prompt", "STREAM-036",
    beside(lambda given: given | {"choices": [], "prompt_filter_results": []},
           before=lambda given: True, where=without_usage),
    "Clients that read choices[0] crash at the first chunk.", "Azure's prompt filter")
row("stream-choices-merged", "STREAM-045",
    on_chats(put("choices[].index", 0), lambda asked: asks("n", 2)(asked) and of_text(asked)),
    "Two answers are woven into one.", "lm-proxy 3.3.2 merges both into index 0")
row("stream-n-ignored", "STREAM-045",
    asked_as(drop("n"), lambda asked: asked.streams and asks("n", 2)(asked)),
    "One answer where two were paid for.", "many backends ignore n")
row("stream-letters-torn", "STREAM-059 STREAM-068", on_chats(torn, bare),
    "Emoji and Chinese turn into replacement characters.",
    "aisix issue 111, claude-code-router issue 1672: each TCP chunk is decoded alone")
row("stream-plain-where-json-is-accepted", "STREAM-002",
    asked_as(put("stream", False), lambda asked: asked.streams and asked.header("accept") == "application/json"
             and asked.header("x-stainless-lang") is None),
    "openai-python, which always accepts JSON, never streams.")
row("stream-surrogates-torn", "STREAM-066 SDK-026", folded(halves, bare),
    "Emoji turn into two boxes each.", "JavaScript gateways that cut texts by length")
row("stream-letters-are-question-marks", "STREAM-068",
    on_chats(put(f"{DELTA}.content", lambda old: old and old.encode("ascii", "replace").decode()),
             lambda asked: bare(asked) and asks("seed")(asked)),
    "Whoever does not write English reads question marks.", "servers that run in the C locale")
row("stream-blanks-trimmed", "STREAM-068",
    on_chats(put(f"{DELTA}.content", lambda old: old and old.strip()),
             lambda asked: bare(asked) and asks("seed")(asked)),
    "Words run together.", "adapters that strip each piece of an engine's output")
row("stream-pieces-lost", "STREAM-068", remembering(lossy, lambda asked: bare(asked) and asks("seed")(asked)),
    "Words are missing in the middle of answers.", "queues that drop what comes too fast")
row("stream-stopped-is-told-to-be-cut", "STREAM-077",
    on_chats(put("choices[].finish_reason", lambda old: old and "length"), asks("stop")),
    "Programs ask for a continuation of what was finished.")
row("stream-caps-ignored", "STREAM-055",
    asked_as(put("max_completion_tokens", 60), lambda asked: asked.streams and asks("max_completion_tokens", 5)(asked)),
    "Users pay for tokens that they had capped.")
row("stream-logprobs-lost", "STREAM-060", on_chats(put("choices[].logprobs", None), asks("logprobs", True)),
    "Confidence scores are missing as soon as the answer is streamed.", "many ignore logprobs in streams")
# fmt: on

row = USAGE.add

# fmt: off
row("stream-usage-not-asked-for", "STREAM-029",
    at_the_end(lambda given: given | {
      "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}, plainly_streamed),
    "Clients that read choices[0] of the last chunk crash.", "llama.cpp, Mistral and Groq send it anyway")
row("stream-usage-though-declined", "STREAM-029",
    at_the_end(lambda given: given | {
      "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}},
      lambda asked: asked.streams and asks("stream_options", {"include_usage": False})(asked)),
    "Clients that read choices[0] of the last chunk crash, though they said so.")
row("stream-usage-asked-for-and-missing", "STREAM-030 SDK-025",
    asked_as(drop("stream_options"), lambda asked: asked.streams and with_usage(asked)),
    "Streamed calls are never accounted.", "lm-proxy 3.3.2 drops stream_options")
row("stream-usage-in-every-chunk", "STREAM-030", remembering(usage_so_far, with_usage),
    "Clients that add usage up bill many times over.", "vLLM continuous_usage_stats")
row("stream-usage-with-the-end", "STREAM-031", held(is_end, lambda asked: with_usage(asked) and not asks("n", 2)(asked),
                                                  usage_with_the_end),
    "Clients that look for the chunk without choices find no usage.", "LiteLLM 1.106; llama.cpp issue 15444")
row("stream-usage-before-the-end", "STREAM-031 SDK-025",
    held(is_end, lambda asked: with_usage(asked) and not asks("n", 2)(asked), lambda found: found[::-1]),
    "Clients that stop at the usage lose the finish reason.")
row("stream-usage-with-null-choices", "STREAM-031 SDK-025",
    on_chats(put("choices", lambda old: old or None), with_usage),
    "Clients iterate over null and crash at the end of every answer.")
row("stream-usage-in-one-chunk-only", "STREAM-032",
    on_chats(lambda given: {k: v for k, v in given.items() if k != "usage" or v}, with_usage),
    "Strictly typed clients want null in the others.", "Text Generation Inference issue 3003")
row("stream-usage-does-not-add-up", "STREAM-033",
    on_chats(lambda given: put("usage.total_tokens", 1)(given) if given.get("usage") else None, with_usage),
    "Bills differ from the sums of their parts.")
row("stream-usage-zero", "STREAM-033", on_chats(counted(lambda usage: usage.update(completion_tokens=0)), with_usage),
    "Streamed answers are free of charge.", "LiteLLM 1.106 streams zero usage for completions")
row("stream-usage-halved", "STREAM-069",
    on_chats(counted(lambda usage: usage.update(completion_tokens=usage["completion_tokens"] // 2 + 1)), with_usage),
    "Half of each streamed answer is free of charge.", "gateways that count chunks, not tokens")
row("stream-usage-of-the-first-choice-only", "STREAM-076",
    on_chats(counted(lambda usage: usage.update(completion_tokens=usage["completion_tokens"] // 2)),
             lambda asked: with_usage(asked) and asks("n", 2)(asked)),
    "Every second choice is free of charge.", "adapters that add up nothing")
row("stream-usage-beyond-the-cap", "STREAM-033",
    on_chats(counted(lambda usage: usage.update(completion_tokens=usage["completion_tokens"] + 60)), with_usage),
    "Users pay for tokens that they had capped.")
row("stream-prompt-counted-differently", "STREAM-034",
    on_chats(counted(lambda usage: usage.update(prompt_tokens=usage["prompt_tokens"] + 1)), with_usage),
    "The same prompt costs more when it is streamed.")
# fmt: on
