"""What is asked of the model: the chat that a request for a response stands for."""

from collections.abc import Iterable, Sequence
from typing import Any

from reference_gateway.call import Json

SAME = ("model", "temperature", "top_p", "parallel_tool_calls", "user", "metadata", "service_tier", "stream")
"""Members that a chat calls by the same name."""


def chat(asked: Json, before: Sequence[Json]) -> Json:
    """The chat that stands for this request, which has been checked. `before` are the messages of earlier turns."""
    body = {name: asked[name] for name in SAME if asked.get(name) is not None}
    told = [{"role": "system", "content": asked["instructions"]}] if asked.get("instructions") else []
    body["messages"] = [*told, *before, *messages(asked["input"])]
    if asked.get("max_output_tokens") is not None:
        body["max_completion_tokens"] = asked["max_output_tokens"]
    if asked.get("stream"):
        body["stream_options"] = {"include_usage": True}
    if asked.get("tools"):
        body["tools"] = [_tool(tool) for tool in asked["tools"]]
        choice = asked.get("tool_choice")
        if choice is not None:
            body["tool_choice"] = choice if isinstance(choice, str) else _named(choice)
    else:
        body.pop("parallel_tool_calls", None)
    text = asked.get("text") or {}
    if text.get("format") is not None:
        body["response_format"] = _format(text["format"])
    if text.get("verbosity") is not None:
        body["verbosity"] = text["verbosity"]
    if (asked.get("reasoning") or {}).get("effort") is not None:
        body["reasoning_effort"] = asked["reasoning"]["effort"]
    return body


def messages(given: str | Iterable[Json]) -> list[Json]:
    """The chat's messages for an input, or for the output of an earlier turn. Thoughts are left out."""
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    found: list[Json] = []
    for item in given:
        match item.get("type", "message"):
            case "message":
                found.append({"role": item["role"], "content": _content(item["content"])})
            case "function_call":
                # The calls of one turn are one message.
                if not (found and found[-1]["role"] == "assistant"):
                    found.append({"role": "assistant", "content": None})
                found[-1].setdefault("tool_calls", []).append(_call(item))
            case "function_call_output":
                found.append({"role": "tool", "tool_call_id": item["call_id"], "content": _content(item["output"])})
    return found


def _content(given: Any) -> Any:
    return given if isinstance(given, str) else [_part(part) for part in given]


def _part(part: Json) -> Json:
    if part["type"] == "refusal":
        return {"type": "refusal", "refusal": part["refusal"]}
    if part["type"] == "input_image":
        detail = {"detail": part["detail"]} if part.get("detail") else {}
        return {"type": "image_url", "image_url": {"url": part["image_url"], **detail}}
    return {"type": "text", "text": part["text"]}


def _call(item: Json) -> Json:
    function = {"name": item["name"], "arguments": item["arguments"]}
    return {"id": item["call_id"], "type": "function", "function": function}


def _tool(tool: Json) -> Json:
    members = ("name", "description", "parameters", "strict")
    return {"type": "function", "function": {key: tool[key] for key in members if tool.get(key) is not None}}


def _named(choice: Json) -> Json:
    return {"type": "function", "function": {"name": choice["name"]}}


def _format(wanted: Json) -> Json:
    if wanted["type"] != "json_schema":
        return {"type": wanted["type"]}
    members = ("name", "schema", "strict", "description")
    schema = {key: wanted[key] for key in members if wanted.get(key) is not None}
    return {"type": "json_schema", "json_schema": schema}
