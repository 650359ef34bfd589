"""What is answered: the response object and its items, made of what a chat has said."""

import secrets
import time
from typing import Any

from reference_gateway.call import Json

REASONS = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Why a response is incomplete, by the chat's finish_reason."""
DEFAULTS: Json = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
"""What a request stands for that does not say otherwise; a response repeats it."""


def begun(asked: Json, model: str) -> Json:
    """The response to this request before the model has said anything."""
    repeated = {name: usual if asked.get(name) is None else asked[name] for name, usual in DEFAULTS.items()}
    reasoning = {"effort": None, "summary": None} | (asked.get("reasoning") or {})
    return {
        "id": f"resp_{secrets.token_hex(24)}",
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": model,
        "output": [],
        "reasoning": reasoning,
        **repeated,
        "usage": None,
    }


def ended(response: Json, output: list[Json], finish_reason: Any, usage: Any) -> Json:
    """The same response when the model has ended, for this reason of a chat."""
    reason = REASONS.get(finish_reason)
    return response | {
        "status": "incomplete" if reason else "completed",
        "incomplete_details": {"reason": reason} if reason else None,
        "output": output,
        "usage": counted(usage),
    }


def failed(response: Json, output: list[Json], message: str) -> Json:
    error = {"code": "server_error", "message": message}
    return response | {"status": "failed", "error": error, "output": output}


def status(finish_reason: Any) -> str:
    """The status of the item that was said last."""
    return "incomplete" if finish_reason in REASONS else "completed"


def message(parts: list[Json], status: str) -> Json:
    return {
        "id": f"msg_{secrets.token_hex(24)}",
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": parts,
    }


def text_part(text: str) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def refusal_part(text: str) -> Json:
    return {"type": "refusal", "refusal": text}


def function_call(id: str, name: str, arguments: str, status: str) -> Json:
    return {
        "id": f"fc_{secrets.token_hex(24)}",
        "type": "function_call",
        "status": status,
        "call_id": id,
        "name": name,
        "arguments": arguments,
    }


def whole(response: Json, completion: Json) -> Json:
    """The response that a plain chat completion stands for."""
    choice = completion["choices"][0]
    said, finish_reason = choice["message"], choice.get("finish_reason")
    calls = said.get("tool_calls") or []
    parts = [refusal_part(said["refusal"])] if said.get("refusal") else []
    if said.get("content") or not (calls or parts):
        parts.insert(0, text_part(said.get("content") or ""))
    output = [message(parts, "completed" if calls else status(finish_reason))] if parts else []
    for number, call in enumerate(calls, start=1):
        function, is_last = call["function"], number == len(calls)
        state = status(finish_reason) if is_last else "completed"
        output.append(function_call(call["id"], function["name"], function["arguments"], state))
    return ended(response, output, finish_reason, completion.get("usage"))


def counted(usage: Any) -> Json | None:
    """The usage of a chat in the words of responses."""
    if not isinstance(usage, dict):
        return None
    read, written = usage.get("prompt_tokens_details") or {}, usage.get("completion_tokens_details") or {}
    return {
        "input_tokens": usage["prompt_tokens"],
        "input_tokens_details": {"cached_tokens": read.get("cached_tokens") or 0, "cache_write_tokens": 0},
        "output_tokens": usage["completion_tokens"],
        "output_tokens_details": {"reasoning_tokens": written.get("reasoning_tokens") or 0},
        "total_tokens": usage["total_tokens"],
    }
