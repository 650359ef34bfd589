"""The scenarios: one table, and the few ways in which a scenario can ask. Imports neither gevent nor locust."""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from load.client.request import Request
from load.scenarios import bodies, prompts
from load.scenarios.prompts import Prompt

TURNS = 4
TEXTS = 4
"""Inputs of one embeddings request."""
LEAVE_WITHIN = 16
"""A client that disconnects has read at least one event with text, and at most this many."""


class Means(Protocol):
    """What a scenario needs of a plan: models by endpoint, and what the user chose of lengths and prompts."""

    @property
    def models(self) -> Mapping[str, str]: ...
    @property
    def token_key(self) -> str: ...
    @property
    def max_tokens(self) -> int | None: ...
    @property
    def prompts(self) -> tuple[Prompt, ...]: ...


Asks = Callable[[Means, random.Random], Iterator[Request]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """Something that clients do. `asks` yields the requests of one client one after the other, each when the answer to
    the one before has come.

    `needs` are the endpoints without which it can't be run. `obeys`: 429 and 503 are not failures while their
    Retry-After can be obeyed. `tags` are for locust's --tags.
    """

    name: str
    summary: str
    asks: Asks
    needs: frozenset[str]
    tags: tuple[str, ...]
    obeys: bool = False

    def requests(self, plan: Means, rng: random.Random) -> Iterator[Request]:
        return self.asks(plan, rng)


def _chat(tokens: int, ask: Callable[[random.Random], str], *, stream: bool = True, leaves: bool = False) -> Asks:
    def requests(plan: Means, rng: random.Random) -> Iterator[Request]:
        prompt = rng.choice(plan.prompts) if plan.prompts else prompts.from_text(ask(rng))
        limit = prompt.max_tokens or plan.max_tokens or tokens
        body = bodies.chat(plan.models["chat"], prompt.messages, limit, stream=stream, token_key=plan.token_key)
        leave_after = rng.randint(1, LEAVE_WITHIN) if leaves else None
        yield Request("POST", "/chat/completions", body, "chat stream" if stream else "chat", leave_after)

    return requests


def _conversation(tokens: int) -> Asks:
    def requests(plan: Means, rng: random.Random) -> Iterator[Request]:
        first = rng.choice(plan.prompts) if plan.prompts else prompts.from_text(prompts.short(rng))
        messages = list(first.messages)
        limit = plan.max_tokens or tokens
        for turn in range(TURNS):
            if turn:
                messages += [
                    {"role": "assistant", "content": rng.choice(prompts.ANSWERS)},
                    {"role": "user", "content": rng.choice(prompts.FOLLOW_UPS)},
                ]
            body = bodies.chat(plan.models["chat"], messages, limit, stream=True, token_key=plan.token_key)
            yield Request("POST", "/chat/completions", body, "chat stream")

    return requests


def _completions(tokens: int) -> Asks:
    def requests(plan: Means, rng: random.Random) -> Iterator[Request]:
        prompt = rng.choice(plan.prompts) if plan.prompts else prompts.from_text(prompts.short(rng))
        limit = prompt.max_tokens or plan.max_tokens or tokens
        body = bodies.completion(plan.models["completions"], prompt.text, limit, stream=True)
        yield Request("POST", "/completions", body, "completion stream")

    return requests


def _embeddings(plan: Means, rng: random.Random) -> Iterator[Request]:
    texts = [rng.choice(plan.prompts).text if plan.prompts else prompts.short(rng) for _ in range(TEXTS)]
    yield Request("POST", "/embeddings", bodies.embeddings(plan.models["embeddings"], texts), "embeddings")


def _models(plan: Means, rng: random.Random) -> Iterator[Request]:
    yield Request("GET", "/models", b"", "get")


def _scenario(name: str, summary: str, asks: Asks, needs: str, tags: str, *, obeys: bool = False) -> Scenario:
    return Scenario(name, summary, asks, frozenset(needs.split()), tuple(tags.split()), obeys)


_TABLE = (
    _scenario("chat-short", "short questions, streamed short answers", _chat(64, prompts.short), "chat", "chat stream"),
    _scenario("chat-long", "short questions, streamed long answers", _chat(512, prompts.short), "chat", "chat stream"),
    _scenario("chat-long-prompt", "2,000 words to sum up", _chat(64, prompts.long), "chat", "chat stream"),
    _scenario("chat-plain", "whole answers", _chat(64, prompts.short, stream=False), "chat", "chat plain"),
    _scenario("completions", "streamed text completions", _completions(64), "completions", "completions stream"),
    _scenario("embeddings", "four texts a request", _embeddings, "embeddings", "embeddings plain"),
    _scenario("models", "the list of models", _models, "", "models plain"),
    _scenario("multi-turn", "conversations of four turns", _conversation(64), "chat", "chat stream"),
    _scenario("disconnect", "clients that leave", _chat(64, prompts.short, leaves=True), "chat", "chat stream hard"),
    _scenario(
        "retry-storm", "clients that obey Retry-After", _chat(64, prompts.short), "chat", "chat stream hard", obeys=True
    ),
)
MIXED = "mixed"
SHARES: Mapping[str, int] = {
    "chat-short": 45,
    "chat-long": 15,
    "chat-long-prompt": 10,
    "chat-plain": 10,
    "multi-turn": 10,
    "completions": 4,
    "embeddings": 4,
    "models": 2,
}
"""The mixed workload, in percent of what clients begin; its figures stand under the scenarios it is made of."""
SCENARIOS: Mapping[str, Scenario] = {scenario.name: scenario for scenario in _TABLE}
NAMES = (*SCENARIOS, MIXED)
DEFAULT = "chat-short"


def weights(names: Iterable[str], models: Mapping[str, str]) -> dict[str, float]:
    """The scenarios that these names stand for, with their weights: a mixed workload stands for those of its members
    that these models of a gateway allow."""
    found: dict[str, float] = {}
    for name in names:
        parts = {part: share for part, share in members(name).items() if SCENARIOS[part].needs <= models.keys()}
        for part, share in parts.items():
            found[part] = found.get(part, 0.0) + share / sum(parts.values())
    return found


def members(name: str) -> Mapping[str, int]:
    """The scenarios that a name stands for, with their shares."""
    return SHARES if name == MIXED else {name: 100}


def drawn(weights: Mapping[str, float], seed: str) -> Scenario:
    """One of these scenarios, at random by weight; the same one for the same seed."""
    if len(weights) == 1:
        return SCENARIOS[next(iter(weights))]
    return SCENARIOS[random.Random(seed).choices(list(weights), list(weights.values()))[0]]
