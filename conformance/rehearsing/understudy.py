"""The gateway of a rehearsal: answers as a correct one would, with a model that always speaks until its cap. Pure
functions of a request; nothing is sent."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import unquote, urlsplit

from conformance.exchange import Request
from conformance.rehearsing.wellformed import are_messages, is_sound
from conformance.sending import cost
from conformance.shape import is_int

MODELS = ("rehearsed-model", "rehearsed-model-mini", "rehearsed/model", "text-embedding-rehearsed")
"""Listed; what a run sends depends a little on how many there are."""
WORD = " word"
STOPPED_AFTER = 4
CALL_TOKENS = 16
MOST_TEXTS = 2048
KEPT: tuple[int, dict[str, Any]] = (200, {"received": [{}]})
"""What a scripted provider has kept of any request: that it came."""


def answer(request: Request, models: tuple[str, ...], key: str | None) -> tuple[int, dict[str, Any]]:
    """Status and document; the member `spoken` is how many tokens the model says."""
    path = unquote(urlsplit(request.url).path)
    if key and not _has_key(request, key):
        return _refusal(401)
    if request.method == "GET":
        return _shown(path, models)
    if request.method != "POST":
        return _refusal(405)
    body = sent(request.body)
    kinds = [value.lower() for name, value in request.headers if name.lower() == "content-type"]
    if not body or not all(kind.startswith("application/json") for kind in kinds):
        return _refusal(400)
    if not path.endswith(("/chat/completions", "/completions", "/embeddings", "/responses")):
        return _refusal(404)
    if body.get("model") not in models:
        named = isinstance(body.get("model"), str)
        return _refusal(404, f"the model {body['model']} does not exist") if named else _refusal(400)
    if path.endswith("/responses"):
        return (200, _response(request, body)) if isinstance(body.get("input"), str | list) else _refusal(400)
    if not is_sound(body):
        return _refusal(400)
    if path.endswith("/chat/completions"):
        return (200, _chat(request, body)) if are_messages(body.get("messages")) else _refusal(400)
    if path.endswith("/completions"):
        return (200, _completion(request, body)) if isinstance(body.get("prompt"), str | list) else _refusal(400)
    return (200, _vectors(request, body)) if _is_input(body.get("input")) else _refusal(400)


def _shown(path: str, models: tuple[str, ...]) -> tuple[int, dict[str, Any]]:
    entries = [{"id": id, "object": "model", "created": 1_700_000_000, "owned_by": "nobody"} for id in models]
    if path.endswith("/models"):
        return 200, {"object": "list", "data": entries}
    found = next((entry for entry in entries if path.endswith("/models/" + str(entry["id"]))), None)
    return (200, found) if found else _refusal(404)


def _chat(request: Request, body: dict[str, Any]) -> dict[str, Any]:
    each = cost.asked(replace(request, body=json.dumps(body | {"n": 1}).encode())).completion
    message: dict[str, Any] = {"role": "assistant", "content": WORD * each, "refusal": None}
    finish, spoken = "length", each
    if body.get("stop"):
        message["content"], finish, spoken = WORD * min(STOPPED_AFTER, each), "stop", min(STOPPED_AFTER, each)
    forced = body.get("tool_choice") == "required" or isinstance(body.get("tool_choice"), dict)
    if body.get("tools") and body.get("tool_choice") != "none" and (forced or not _has_results(body)):
        name = _tool_name(body)
        call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": "{}"}}
        message |= {"content": None, "tool_calls": [call]}
        finish, spoken = "tool_calls", min(CALL_TOKENS, each)
    elif isinstance(body.get("response_format"), dict) and body["response_format"].get("type") != "text":
        message["content"], finish, spoken = "{}", "stop", min(CALL_TOKENS, each)
    count = body.get("n") or 1
    choices = [{"index": i, "message": message, "finish_reason": finish} for i in range(count)]
    return _envelope(request, body, "chat.completion", choices, spoken * count)


def _completion(request: Request, body: dict[str, Any]) -> dict[str, Any]:
    prompts = body["prompt"]
    batch = len(prompts) if isinstance(prompts, list) and not all(map(is_int, prompts)) else 1
    count = batch * (body.get("n") or 1)
    each = cost.asked(request).completion // max(count, 1)
    if body.get("stop"):
        each = min(STOPPED_AFTER, each)
    choices = [{"index": i, "text": WORD * each, "finish_reason": "length", "logprobs": None} for i in range(count)]
    return _envelope(request, body, "text_completion", choices, each * count)


def _response(request: Request, body: dict[str, Any]) -> dict[str, Any]:
    cost_of = cost.asked(request)
    calls = bool(body.get("tools")) and body.get("tool_choice") != "none"
    brief = calls or isinstance(body.get("text"), dict)
    spoken = min(CALL_TOKENS, cost_of.completion) if brief else cost_of.completion
    part = {"type": "output_text", "text": WORD * spoken, "annotations": []}
    said = {"id": "msg_1", "type": "message", "status": "incomplete", "role": "assistant", "content": [part]}
    usage = {"input_tokens": cost_of.prompt, "output_tokens": spoken, "total_tokens": cost_of.prompt + spoken}
    head = {"id": "resp_1", "object": "response", "created_at": 1_700_000_000, "model": body["model"]}
    return {**head, "status": "incomplete", "output": [said], "usage": usage, "spoken": spoken}


def _vectors(request: Request, body: dict[str, Any]) -> dict[str, Any]:
    given = body["input"]
    count = 1 if isinstance(given, str) or all(map(is_int, given)) else len(given)
    rows = [{"object": "embedding", "index": i, "embedding": [1.0, 0.0, 0.0, 0.0]} for i in range(count)]
    prompt = cost.asked(request).prompt
    usage = {"prompt_tokens": prompt, "total_tokens": prompt}
    return {"object": "list", "model": body["model"], "data": rows, "usage": usage, "spoken": 1}


def _is_input(given: Any) -> bool:
    return bool(given) and (isinstance(given, str) or (isinstance(given, list) and len(given) <= MOST_TEXTS))


def _envelope(
    request: Request, body: dict[str, Any], kind: str, choices: list[dict[str, Any]], spoken: int
) -> dict[str, Any]:
    prompt = cost.asked(request).prompt
    usage = {"prompt_tokens": prompt, "completion_tokens": spoken, "total_tokens": prompt + spoken}
    head = {"id": "chatcmpl-1", "object": kind, "created": 1_700_000_000, "model": body["model"]}
    return {**head, "choices": choices, "usage": usage, "spoken": spoken}


def events(document: dict[str, Any]) -> bytes:
    """The document as a stream of two chunks, one with everything and one with the usage; a response as its end."""
    if document["object"] == "response":
        return b"data: %b\n\n" % json.dumps({"type": "response.incomplete", "response": document}).encode()
    choices = []
    for choice in document["choices"]:
        shown = {key: value for key, value in choice.items() if key != "message"}
        if "message" in choice:
            shown["delta"] = dict(choice["message"])
            if calls := shown["delta"].get("tool_calls"):
                shown["delta"]["tool_calls"] = [{"index": i, **call} for i, call in enumerate(calls)]
        choices.append(shown)
    kind = "chat.completion.chunk" if document["object"] == "chat.completion" else document["object"]
    chunk = {**document, "object": kind, "choices": choices, "usage": None}
    events = [chunk, {**chunk, "choices": [], "usage": document["usage"]}]
    return b"".join(b"data: %b\n\n" % json.dumps(event).encode() for event in events) + b"data: [DONE]\n\n"


def _refusal(status: int, message: str = "refused") -> tuple[int, dict[str, Any]]:
    code = "model_not_found" if message != "refused" else None
    return status, {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}


def _has_key(request: Request, key: str) -> bool:
    lines = [value for name, value in request.headers if name.lower() == "authorization"]
    return [line.split(" ", 1)[-1] for line in lines] == [key] and lines[0].lower().startswith("bearer ")


def sent(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data.decode("utf-8") or "null", parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _has_results(body: dict[str, Any]) -> bool:
    return any(item.get("role") == "tool" for item in body["messages"])


def _tool_name(body: dict[str, Any]) -> Any:
    chosen = body.get("tool_choice")
    tools = [chosen] if isinstance(chosen, dict) else body["tools"]
    function = next((tool.get("function") for tool in tools if isinstance(tool, dict)), None)
    return function.get("name") if isinstance(function, dict) else None
