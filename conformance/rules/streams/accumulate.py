"""A stream put together to the plain answer that it stands for, as the SDKs do it."""

from typing import Any

from conformance.rules import Json
from conformance.rules.streams.chunks import choices_of
from conformance.rules.streams.fragments import fragments_of
from conformance.shape import is_int

CONSTANT = ("id", "created", "model", "system_fingerprint", "service_tier")
JOINED = ("content", "refusal", "reasoning_content", "reasoning")


def accumulated(chunks: list[Json]) -> Json:
    """The `chat.completion` of these chunks, read as leniently as can be: other rules speak of what is wrong with them.
    A choice without an index is left out."""
    document: Json = {"object": "chat.completion"}
    document |= {key: next((c[key] for c in chunks if c.get(key) is not None), None) for key in CONSTANT}
    found: dict[int, Json] = {}
    for chunk in chunks:
        for choice in choices_of(chunk):
            if is_int(choice.get("index")):
                _add(found.setdefault(choice["index"], _empty(choice["index"])), choice)
        for index, fragment in fragments_of(chunk):
            if isinstance(fragment, dict):
                _call(found[index]["message"].setdefault("tool_calls", []), fragment)
    for choice in found.values():
        for call in choice["message"].get("tool_calls", ()):
            del call["index"]
    document["choices"] = [choice for _, choice in sorted(found.items())]
    document["usage"] = next((c["usage"] for c in reversed(chunks) if c.get("usage") is not None), None)
    return document


def _empty(index: int) -> Json:
    message: Json = {"role": None, "content": None, "refusal": None}
    return {"index": index, "message": message, "finish_reason": None, "logprobs": None}


def _add(whole: Json, choice: Json) -> None:
    given: Any = choice.get("delta")
    delta: Json = given if isinstance(given, dict) else {}
    message = whole["message"]
    if message["role"] is None:
        message["role"] = delta.get("role")
    for key in JOINED:
        if isinstance(delta.get(key), str):
            message[key] = (message.get(key) or "") + delta[key]
    if choice.get("finish_reason") is not None:
        whole["finish_reason"] = choice["finish_reason"]
    logprobs = choice.get("logprobs")
    if isinstance(logprobs, dict):
        kept = whole["logprobs"] or {}
        for key in ("content", "refusal"):
            if isinstance(logprobs.get(key), list):
                kept[key] = (kept.get(key) or []) + logprobs[key]
            else:
                kept.setdefault(key, logprobs.get(key))
        whole["logprobs"] = kept


def _call(calls: list[Json], fragment: Json) -> None:
    """Adds a fragment to the call of its index, or begins that call. Without an index it belongs to the last call,
    unless it has an id of its own; with an id of its own it begins another call whatever its index.

    Arguments to which something else than a text is added are no text any more; only the first may be null.
    """
    index, id = fragment.get("index"), fragment.get("id")
    same = [call for call in calls if call["index"] == index] if is_int(index) else calls[-1:] * (not id)
    begins = not same or bool(id and same[-1]["id"] not in (None, id))
    if begins:
        calls.append({"index": index, "id": None, "type": None, "function": {"name": None, "arguments": ""}})
    call = calls[-1] if begins else same[-1]
    call["id"], call["type"] = call["id"] or id, call["type"] or fragment.get("type")
    function = fragment.get("function")
    if isinstance(function, dict):
        kept, more = call["function"], function.get("arguments", "")
        kept["name"] = kept["name"] or function.get("name")
        if isinstance(kept["arguments"], str) and not (begins and more is None):
            kept["arguments"] = kept["arguments"] + more if isinstance(more, str) else more
