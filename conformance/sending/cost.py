"""What requests cost, in tokens: an estimate before they are sent, and what was spent when they are answered.

Estimates need no tokeniser: about one token per word or run of punctuation, which fits English prompts within a tenth.
"""

import asyncio
import json
import re
from dataclasses import dataclass
from typing import Any

from conformance.exchange import Blame, Exchange, Request, Unusable
from conformance.rules.streams.chunks import pieces_of
from conformance.rules.streams.fragments import fragments_of
from conformance.shape import is_int

_PIECE = re.compile(r"[^\W\d_]{1,16}|\d{1,3}|[^\w\s]{1,4}")
_FRAME = 3
"""Tokens that a chat template adds to a message, and once to the whole prompt."""
CAP_KEYS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
USAGE_OF_CHATS = ("prompt_tokens", "completion_tokens")
UNCAPPED = 256
"""What an answer without a cap is taken to have at the most."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of a prompt and of an answer."""

    prompt: int = 0
    completion: int = 0

    @property
    def total(self) -> int:
        return self.prompt + self.completion

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(self.prompt + other.prompt, self.completion + other.completion)


def asked(request: Request) -> Tokens:
    """About what a request costs at the most, if it is served: nothing for one that no model sees."""
    body = _object(request.body)
    path = request.url.split("?")[0]
    if request.method != "POST" or not body:
        return Tokens()
    if path.endswith("/embeddings"):
        return Tokens(_text_tokens(body.get("input")))
    if path.endswith("/chat/completions"):
        return Tokens(_chat_prompt(body), _cap(body, UNCAPPED) * _count(body.get("n")))
    if path.endswith("/responses"):
        tools = body.get("tools")
        read = _text_tokens([body.get("input"), body.get("instructions")])
        return Tokens(read + _json_tokens(tools if isinstance(tools, list) else []), _cap(body, UNCAPPED))
    if path.endswith("/completions"):
        prompts = body.get("prompt")
        batch = len(prompts) if isinstance(prompts, list) and not all(map(is_int, prompts)) else 1
        times = max(_count(body.get("n")), _count(body.get("best_of"))) * max(batch, 1)
        return Tokens(_text_tokens(prompts), _cap(body, 16) * times)
    return Tokens()


def spent(exchange: Exchange) -> Tokens:
    """What an answer says that it cost; where it does not say, about what it must have cost."""
    if not exchange.response or not 200 <= exchange.status < 300:
        return Tokens()
    if exchange.request.method != "POST":
        return Tokens()
    usage, streamed = _usage(exchange)
    if usage:
        read, said = ("input_tokens", "output_tokens") if "input_tokens" in usage else USAGE_OF_CHATS
        return Tokens(_counter(usage, read), _counter(usage, said))
    estimate = asked(exchange.request)
    return Tokens(estimate.prompt, estimate.completion if streamed is None else min(streamed, estimate.completion))


class Budget:
    """Hard caps on what a run may send, and for how long. `admit` every request before it goes out, `settle` it when it
    is answered.

    What is in flight counts with its estimate, so that the caps hold whatever comes back.
    """

    def __init__(self, requests: int | None = None, tokens: int | None = None) -> None:
        self._requests, self._tokens = requests, tokens
        self._sent = self._held = 0
        self._seconds, self.ends_at = 0.0, float("inf")

    def begin(self, seconds: float) -> None:
        """From now on there is so much time, on the clock of the running loop."""
        self._seconds, self.ends_at = seconds, asyncio.get_running_loop().time() + seconds

    @property
    def is_over(self) -> bool:
        return self.ends_at < float("inf") and asyncio.get_running_loop().time() >= self.ends_at

    @property
    def time_is_over(self) -> Unusable:
        """What is said of a request that the run has no time for."""
        said = f"not sent, or cut: the run's {self._seconds:g} s (--max-time) are used up"
        return Unusable(f"{said}; give it longer, or judge less with --only", blame=Blame.SUITE)

    def admit(self, request: Request) -> None:
        """Raises Unusable if this request would pass a cap."""
        if self.is_over:
            raise self.time_is_over
        if self._requests is not None and self._sent >= self._requests:
            said = f"not sent: the run's {self._requests} requests (--max-requests) are used up"
            raise Unusable(said, blame=Blame.SUITE)
        wanted = asked(request).total if self._tokens is not None else 0
        if self._tokens is not None and self._held + wanted > self._tokens:
            said = f"not sent: the run's {self._tokens} tokens (--budget-tokens) are used up"
            raise Unusable(said, blame=Blame.SUITE)
        self._sent += 1
        self._held += wanted

    def settle(self, exchange: Exchange, request: Request) -> None:
        if self._tokens is not None:
            self._held += spent(exchange).total - asked(request).total


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data or b"null")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _usage(exchange: Exchange) -> tuple[dict[str, Any], int | None]:
    """The usage in an answer ({} without one), and how many pieces a stream came in (None for a plain answer)."""
    try:
        if exchange.media_type != "text/event-stream":
            found = exchange.document.get("usage")
            return (found if isinstance(found, dict) else {}), None
        chunks = [chunk for _, chunk in exchange.parsed_events if chunk]
    except Unusable:
        return {}, None
    held = [chunk["response"] if isinstance(chunk.get("response"), dict) else chunk for chunk in chunks]
    usages = [each["usage"] for each in held if isinstance(each.get("usage"), dict)]
    return (usages[-1] if usages else {}), sum(len([*pieces_of(chunk), *fragments_of(chunk)]) for chunk in chunks)


def _counter(usage: dict[str, Any], key: str) -> int:
    value = usage.get(key)
    return value if is_int(value) and 0 <= value < 1e9 else 0


def _cap(body: dict[str, Any], otherwise: int) -> int:
    caps = [body[key] for key in CAP_KEYS if is_int(body.get(key)) and body[key] > 0]
    return min(caps, default=otherwise)


def _count(value: Any) -> int:
    return value if is_int(value) and 0 < value <= 128 else 1


def _chat_prompt(body: dict[str, Any]) -> int:
    found = body.get("messages")
    messages = found if isinstance(found, list) else []
    tools = body.get("tools")
    return (
        _FRAME * (1 + len(messages)) + _text_tokens(messages) + _json_tokens(tools if isinstance(tools, list) else [])
    )


def _json_tokens(tools: list[Any]) -> int:
    return sum(len(_PIECE.findall(json.dumps(tool))) for tool in tools)


def _text_tokens(value: Any) -> int:
    """The tokens of all texts in a prompt of any form: its words where they are text, its length where it is ids."""
    if isinstance(value, str):
        return len(_PIECE.findall(value))
    if isinstance(value, dict):
        return sum(_text_tokens(item) for key, item in value.items() if key not in ("role", "type", "image_url"))
    if isinstance(value, list):
        return sum(1 if is_int(item) else _text_tokens(item) for item in value)
    return 0
