"""One-line defects of function tools: which chats have them, and what becomes of the calls in an answer or a stream."""

import json
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp

from ..defects import Answer, Asked
from ..edits import Wrap, asked_as, asks, chunks, put, reply, streamed

CALLS = "choices[].message.tool_calls"
auto, required, none = (asks("tool_choice", choice) for choice in ("auto", "required", "none"))


def offers(name: str) -> Callable[[Asked], bool]:
    """Chats whose first tool is this one."""
    return lambda asked: bool(tools := asked.object.get("tools")) and tools[0]["function"].get("name") == name


def named(asked: Asked) -> bool:
    return isinstance(asked.object.get("tool_choice"), dict)


def weather(asked: Asked) -> bool:
    """Chats that force the second of the two usual tools."""
    forced = asked.object.get("tool_choice") == {"type": "function", "function": {"name": "get_time"}}
    return forced and offers("get_weather")(asked) and not asks("n")(asked)


def two_with_tools(asked: Asked) -> bool:
    return offers("get_weather")(asked) and asks("n")(asked)


def messages(asked: Asked) -> list[Any]:
    found = asked.object.get("messages")
    return [message for message in found if isinstance(message, dict)] if isinstance(found, list) else []


def has_role(role: str) -> Callable[[Asked], bool]:
    return lambda asked: any(message.get("role") == role for message in messages(asked))


def members(**given: Any) -> Any:
    """The calls of plain answers with other members."""
    return put(f"{CALLS}[]", lambda call: call | given)


def function(key: str, edit: Any) -> Any:
    """The functions called in plain answers with something else under this key."""
    return put(f"{CALLS}[].function.{key}", edit)


def twice(calls: Any) -> Any:
    return calls * 2 if calls else calls


def fragment(edit: Callable[[Any], None]) -> Any:
    """The first fragments of calls."""

    def change(document: Any) -> None:
        for choice in document["choices"]:
            for each in choice["delta"].get("tool_calls", ()):
                if "id" in each:
                    edit(each)

    return change


def arguments(edit: Callable[[str], str]) -> Any:
    """The streamed arguments of each call, joined, become something else in one fragment."""

    def change(found: list[Any]) -> list[Any]:
        calls: dict[tuple[int, int], Any] = {}
        for choice in (choice for each in found for choice in each["choices"]):
            for each in choice["delta"].get("tool_calls", ()):
                first = calls.setdefault((choice["index"], each["index"]), each)
                if first is not each:
                    first["function"]["arguments"] += each["function"]["arguments"]
                    each["function"]["arguments"] = ""
        for each in calls.values():
            each["function"]["arguments"] = edit(each["function"]["arguments"])
        return found

    return change


def written_as(edit: Callable[[str], str], where: Callable[[Asked], bool]) -> Wrap:
    """The arguments of plain and streamed calls are written in another way."""

    def wrap(app: ASGIApp) -> ASGIApp:
        return chunks(arguments(edit), where)(reply(function("arguments", edit), where)(app))

    return wrap


def half(text: str) -> str:
    return text[: len(text) // 2]


def python(text: str) -> str:
    return repr(json.loads(text))


def finished(document: Any) -> None:
    """The end of a forced call, whatever the end."""
    for choice in document["choices"]:
        if choice.get("finish_reason"):
            choice["finish_reason"] = "tool_calls"


def mended(document: Any) -> None:
    """Half a call is closed so that it parses, and told to be whole."""
    for choice in document["choices"]:
        choice["finish_reason"] = "stop"
        for call in choice["message"]["tool_calls"]:
            call["function"]["arguments"] = "{}"


def fake_stream(asked: Asked, answer: Answer) -> Answer:
    """A stream with tools is answered in one piece of JSON, as by gateways that can't stream calls."""
    if not (auto(asked) and asked.streams and answer.is_stream):
        return answer
    first = json.loads(answer.body.split(b"\n\n")[0].removeprefix(b"data: "))
    message = {"role": "assistant", "content": "Hm.", "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return Answer(200).with_json(first | {"object": "chat.completion", "choices": [choice]})


def leaked(document: Any) -> None:
    """JSON that was made by way of a hidden tool comes as its call."""
    for choice in document["choices"]:
        message, function = choice["message"], {"name": "json_tool_call", "arguments": choice["message"]["content"]}
        message["tool_calls"] = [{"id": "call_hidden", "type": "function", "function": function}]
        message["content"], choice["finish_reason"] = None, "tool_calls"


def leaked_in_chunks(found: list[Any]) -> list[Any]:
    for each in found:
        for choice in each["choices"]:
            text = choice["delta"].pop("content", None)
            if text:
                call = {"index": 0, "id": "call_hidden", "type": "function", "function": {"name": "json_tool_call"}}
                call["function"] = {"name": "json_tool_call", "arguments": text}
                choice["delta"]["tool_calls"] = [call]
            choice["finish_reason"] = choice["finish_reason"] and "tool_calls"
    return found


def merged(document: Any) -> None:
    document["choices"] = document["choices"][:1]


def in_first_choice_only(document: Any) -> None:
    document["choices"][1]["message"]["tool_calls"] = []
    document["choices"][1]["message"]["content"] = "Hm."


def is_json(asked: Asked) -> bool:
    return isinstance(asked.object.get("response_format"), dict) and "tools" not in asked.object


def understood_as(name: str) -> Wrap:
    """A named choice of a tool is taken for this word, in streams only."""
    return asked_as(put("tool_choice", name), streamed(lambda asked: named(asked) and not asks("n")(asked)))
