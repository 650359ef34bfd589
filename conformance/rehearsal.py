"""What a run will cost, found out by rehearsing it: every probe sends, but to answers made up here, and time is made
up, too. Nothing leaves the process.

The made-up gateway serves what is well formed, refuses the rest, and its model always speaks until its cap.
"""

import asyncio
import json
import math
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote, urlsplit

from conformance import cost
from conformance.clock import JumpingLoop
from conformance.exchange import Exchange, Request, Response
from conformance.gateway import Gateway
from conformance.manners import Manner
from conformance.profiles import Profile
from conformance.recording import Recording, record_with
from conformance.shape import is_int
from conformance.target import Target
from conformance.wire import meant

MODELS = ("rehearsed-model", "rehearsed-model-mini", "rehearsed/model", "text-embedding-rehearsed")
"""Listed; what a run sends depends a little on how many there are."""
WORD = " word"
STOPPED_AFTER = 4
CALL_TOKENS = 10
ROLES = ("system", "developer", "user", "assistant", "tool", "function")
RANGES: dict[str, tuple[float, float]] = {
    "temperature": (0, 2), "top_p": (0, 1), "presence_penalty": (-2, 2), "frequency_penalty": (-2, 2),
    "n": (1, 128), "max_tokens": (1, 1e9), "max_completion_tokens": (1, 1e9), "top_logprobs": (0, 20),
    "dimensions": (1, 100_000), "best_of": (1, 20),
}  # fmt: skip
FRACTIONS = ("temperature", "top_p")
KINDS: dict[str, type | tuple[type, ...]] = {
    "stream": bool, "stream_options": dict, "tools": list, "response_format": dict, "logit_bias": dict, "seed": int,
    "stop": (str, list),
}  # fmt: skip
SPEEDS = (("quick", 0.2, 0.01), ("slow", 0.8, 0.03))
"""(word, seconds to the first token, seconds per token) of the models that the plan's times are given for."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will send: requests, tokens (those of answers at the most), and its longest chain.

    `chain_requests` and `chain_tokens` are the most requests, and the most tokens of answers, that wait for one
    another. `takes_s` is how long the run takes with models of given speeds.
    """

    requests: int
    tokens: cost.Tokens
    chain_requests: int
    chain_tokens: int
    takes_s: dict[str, float]


def plan(target: Target, profile: Profile, names: set[str], *, concurrency: int) -> Plan:
    """Rehearses a run of these probes. Raises ConfigError for what a run would refuse, too."""
    once = _rehearsed(target, profile, names, ttft_s=1.0, itl_s=0.0, concurrency=100_000)
    tokens = _rehearsed(target, profile, names, ttft_s=0.0, itl_s=1.0, concurrency=100_000)
    takes = {
        f"{word} model ({ttft_s * 1000:g} ms to the first token, {itl_s * 1000:g} ms each)": _rehearsed(
            target, profile, names, ttft_s=ttft_s, itl_s=itl_s, concurrency=concurrency
        ).duration_s
        for word, ttft_s, itl_s in SPEEDS
    }
    return Plan(
        requests=len(once.exchanges),
        tokens=sum((cost.spent(x) for x in once.exchanges), cost.Tokens()),
        chain_requests=round(once.duration_s),
        chain_tokens=round(tokens.duration_s),
        takes_s=takes,
    )


def _rehearsed(
    target: Target, profile: Profile, names: set[str], *, ttft_s: float, itl_s: float, concurrency: int
) -> Recording:
    wire = Stage(target, ttft_s, itl_s)
    gateway = Gateway(wire, target, profile, concurrency=concurrency)
    recorded: list[Recording] = []

    async def go() -> None:
        recorded.append(await record_with(gateway, names))

    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        runner.run(go())
    return recorded[0]


class Stage:
    """Stands where the wire stands, and answers by itself."""

    def __init__(self, target: Target, ttft_s: float, itl_s: float) -> None:
        self._target, self._ttft_s, self._itl_s = target, ttft_s, itl_s
        given = [target.model, target.completions_model, target.embeddings_model]
        self._models = tuple(dict.fromkeys([*filter(None, given), *MODELS]))

    async def send(self, id: str, label: str, request: Request) -> Exchange:
        status, document = _answer(request, self._models, self._target)
        tokens = document.pop("spoken", 0)
        body = json.dumps(document).encode()
        streamed = status == 200 and _object(request.body).get("stream") is True
        if status == 200 and tokens:
            await asyncio.sleep(self._ttft_s + max(tokens - 1, 0) * self._itl_s)
        kind = "text/event-stream" if streamed else "application/json"
        if streamed:
            body = _events(document, _object(request.body))
        response = Response(status, (("Content-Type", kind), ("x-request-id", id)), ((0.0, body),))
        return Exchange(id, label, request, response)

    async def badly(self, id: str, label: str, request: Request, manner: Manner) -> Exchange:
        """Nobody leaves in a rehearsal: it tells what a request may cost at the most."""
        return await self.send(id, label, request)

    async def raw(self, id: str, label: str, origin: str, data: list[bytes], expect: list[str]) -> list[Exchange]:
        """The bytes are read as the requests that they are meant to be."""
        found = []
        for number, (piece, method) in enumerate(zip(data, expect, strict=True)):
            answered = await self.send(f"{id}.{number}", label, meant(method, origin, piece))
            found.append(replace(answered, request=Request(method, origin, (), piece)))
        return found


def _answer(request: Request, models: tuple[str, ...], target: Target) -> tuple[int, dict[str, Any]]:
    """Status and document; the member `spoken` is how many tokens the model says."""
    path = unquote(urlsplit(request.url).path)
    if target.api_key and not _has_key(request, target.api_key):
        return _refusal(401)
    if request.method == "GET":
        return _shown(path, models)
    if request.method != "POST":
        return _refusal(405)
    body = _object(request.body)
    kinds = [value.lower() for name, value in request.headers if name.lower() == "content-type"]
    if not body or not all(kind.startswith("application/json") for kind in kinds):
        return _refusal(400)
    if not path.endswith(("/chat/completions", "/completions", "/embeddings")):
        return _refusal(404)
    if body.get("model") not in models:
        named = isinstance(body.get("model"), str)
        return _refusal(404, f"the model {body['model']} does not exist") if named else _refusal(400)
    if not all(_fits(key, value) for key, value in body.items()):
        return _refusal(400)
    if path.endswith("/chat/completions"):
        return (200, _chat(request, body)) if _are_messages(body.get("messages")) else _refusal(400)
    if path.endswith("/completions"):
        return (200, _completion(request, body)) if isinstance(body.get("prompt"), str | list) else _refusal(400)
    return (
        (200, _vectors(request, body)) if body.get("input") and isinstance(body["input"], str | list) else _refusal(400)
    )


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


def _vectors(request: Request, body: dict[str, Any]) -> dict[str, Any]:
    given = body["input"]
    count = 1 if isinstance(given, str) or all(map(is_int, given)) else len(given)
    rows = [{"object": "embedding", "index": i, "embedding": [1.0, 0.0, 0.0, 0.0]} for i in range(count)]
    prompt = cost.asked(request).prompt
    usage = {"prompt_tokens": prompt, "total_tokens": prompt}
    return {"object": "list", "model": body["model"], "data": rows, "usage": usage, "spoken": 1}


def _envelope(
    request: Request, body: dict[str, Any], kind: str, choices: list[dict[str, Any]], spoken: int
) -> dict[str, Any]:
    prompt = cost.asked(request).prompt
    usage = {"prompt_tokens": prompt, "completion_tokens": spoken, "total_tokens": prompt + spoken}
    head = {"id": "chatcmpl-1", "object": kind, "created": 1_700_000_000, "model": body["model"]}
    return {**head, "choices": choices, "usage": usage, "spoken": spoken}


def _events(document: dict[str, Any], body: dict[str, Any]) -> bytes:
    """The document as a stream of two chunks, one with everything and one with the usage."""
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


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data.decode("utf-8") or "null", parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _fits(key: str, value: Any) -> bool:
    if value is None or key not in RANGES | KINDS:
        return True
    if key in RANGES:
        low, high = RANGES[key]
        number = is_int(value) or (isinstance(value, float) and (key in FRACTIONS or "penalty" in key))
        return number and math.isfinite(value) and low <= value <= high
    return isinstance(value, KINDS[key])


def _are_messages(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(item, dict) and item.get("role") in ROLES for item in value)
    )


def _has_results(body: dict[str, Any]) -> bool:
    return any(item.get("role") == "tool" for item in body["messages"])


def _tool_name(body: dict[str, Any]) -> Any:
    chosen = body.get("tool_choice")
    tools = [chosen] if isinstance(chosen, dict) else body["tools"]
    function = next((tool.get("function") for tool in tools if isinstance(tool, dict)), None)
    return function.get("name") if isinstance(function, dict) else None
