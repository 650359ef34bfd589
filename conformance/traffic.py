"""Which exchanges of a run a rule speaks of, and the rule applied to them."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from conformance.exchange import Exchange, Unusable
from conformance.rules import BodyRule, StreamRule
from conformance.verdict import Violation

LONGEST_URL = 2000
LONGEST_HEADER = 4000
_ODD_PATH = re.compile(r"%[01]|%25|%5c|\.\.|(?<!:)//", re.IGNORECASE)
_ENDPOINT = re.compile(r"(?:/(chat/completions|completions|embeddings)|/(models|providers)(/.+)?)$")


def sent(exchange: Exchange) -> dict[str, Any]:
    """The JSON object that was sent; an empty one if it was something else."""
    try:
        body = json.loads(exchange.request.body or b"null")
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def endpoint(exchange: Exchange) -> str:
    """The last part of the path that a request went to: models, chat/completions, …"""
    path = exchange.request.url.split("?")[0]
    return next((name for name in ("chat/completions", "completions", "embeddings") if path.endswith("/" + name)), "")


def chat_replies(exchanges: Iterable[Exchange], at_least: Exchange) -> list[Exchange]:
    """All plain chat answers of the run. Raises Unusable if `at_least`, the smallest chat, is not among them."""
    _ = at_least.document
    return [x for x in exchanges if endpoint(x) == "chat/completions" and not _streamed(x) and _is_answer(x)]


def chat_streams(exchanges: Iterable[Exchange], at_least: Exchange) -> list[Exchange]:
    """All streamed chat answers of the run. Raises Unusable if `at_least`, the smallest stream, is not among them."""
    _ = at_least.chunks
    return [x for x in exchanges if endpoint(x) == "chat/completions" and _streamed(x) and 200 <= x.status < 300]


def answers(exchanges: Iterable[Exchange]) -> list[Exchange]:
    """All whole answers to requests whose form is sound, so that no front proxy refuses them by itself."""
    return [x for x in exchanges if x.complete and _is_sound(x)]


def errors(exchanges: Iterable[Exchange]) -> list[Exchange]:
    """All error answers among them that may have a body."""
    return [x for x in answers(exchanges) if x.status >= 400 and x.request.method not in ("HEAD", "OPTIONS")]


def route(exchange: Exchange) -> str:
    """The method and the endpoint of the API that a request went to; "" for a path that is none of its endpoints."""
    found = _ENDPOINT.search(exchange.request.url.split("?")[0])
    if not found:
        return ""
    return f"{exchange.request.method} /{found[1] or found[2]}" + ("/{id}" if found[3] else "")


def in_documents(exchanges: Iterable[Exchange], rule: BodyRule) -> Iterator[Violation]:
    """The violations of a rule in the bodies of these answers. Raises Unusable, at the end, for bodies it can't
    read."""
    yield from _over(exchanges, lambda exchange: rule(exchange.document))


def in_streams(exchanges: Iterable[Exchange], rule: Callable[[], StreamRule]) -> Iterator[Violation]:
    """The violations of a rule in these streams. Raises Unusable, at the end, for streams it can't read."""

    def judge(exchange: Exchange) -> Iterator[str]:
        fold = rule()
        for event, chunk in exchange.parsed_events:
            yield from fold.feed(event, chunk)
        yield from fold.end()

    yield from _over(exchanges, judge)


def _over(exchanges: Iterable[Exchange], judge: Callable[[Exchange], Iterable[str]]) -> Iterator[Violation]:
    unusable: Unusable | None = None
    for exchange in exchanges:
        try:
            for seen in judge(exchange):
                yield Violation(exchange, seen)
        except Unusable as error:
            unusable = unusable or error
    if unusable:
        raise unusable


def _is_sound(exchange: Exchange) -> bool:
    """Not written as raw bytes (which have no recorded headers), with a plain path and headers of usual size."""
    url, headers = exchange.request.url, exchange.request.headers
    plain = len(url) < LONGEST_URL and not _ODD_PATH.search(url)
    return plain and bool(headers) and all(value.isascii() and len(value) < LONGEST_HEADER for _, value in headers)


def _streamed(exchange: Exchange) -> bool:
    return sent(exchange).get("stream") is True


def _is_answer(exchange: Exchange) -> bool:
    return exchange.ok and exchange.is_json and isinstance(exchange.json, dict) and "error" not in exchange.json
