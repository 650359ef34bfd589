"""Which exchanges of a run are responses, and what the one that is asked for says, plain or streamed."""

from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from conformance.exchange import Exchange, Unusable
from conformance.reading.traffic import reports_error, sent
from conformance.rules import BodyRule, Json
from conformance.rules.streams.responses import ENDS, response_of
from conformance.verdict import Violation


def is_response(exchange: Exchange) -> bool:
    """Whether a response was asked for."""
    path = unquote(exchange.request.url.split("?")[0])
    return exchange.request.method == "POST" and path.endswith("/responses")


def plain(exchanges: Iterable[Exchange], at_least: Exchange) -> list[Exchange]:
    """All plain responses of the run. Raises Unusable if `at_least`, the smallest, is not among them."""
    _ = at_least.document
    asked = (x for x in exchanges if is_response(x) and sent(x).get("stream") is not True)
    return [x for x in asked if x.ok and x.is_json and isinstance(x.json, dict)]


def streams(exchanges: Iterable[Exchange], at_least: Exchange) -> list[Exchange]:
    """All streamed responses of the run. Raises Unusable if `at_least`, the smallest, is not among them."""
    _ = at_least.chunks
    asked = (x for x in exchanges if is_response(x) and sent(x).get("stream") is True)
    return [x for x in asked if x.ok and not x.is_json and not reports_error(x)]


def final(exchange: Exchange) -> Json:
    """The response as it is in the end. Raises Unusable where a stream tells of none."""
    if sent(exchange).get("stream") is not True:
        return exchange.document
    found = [chunk for chunk in exchange.chunks if chunk.get("type") in ENDS and response_of(chunk)]
    if not found:
        raise Unusable("the stream has no final response")
    return response_of(found[-1])


def in_the_end(exchanges: Iterable[Exchange], rule: BodyRule) -> Iterator[Violation]:
    """The violations of a rule in these responses as they are in the end; those that have none are judged elsewhere."""
    for x in exchanges:
        try:
            document = final(x)
        except Unusable:
            continue
        yield from (Violation(x, seen) for seen in rule(document))
