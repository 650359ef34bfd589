"""Which exchanges of a run are responses, what the one that is asked for says, plain or streamed, and what its input
costs."""

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote

from conformance.exchange import Exchange, Unusable
from conformance.reading.counting import LEAST_PER_WORD
from conformance.reading.traffic import reports_error, sent
from conformance.rules import BodyRule, Json
from conformance.rules.responses import cached_tokens, ends_too_early, tokens
from conformance.rules.streams.responses import ENDS, response_of
from conformance.shape import is_int, show
from conformance.verdict import Inconclusive, Violation


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
    for x, document in _in_the_end(exchanges):
        yield from (Violation(x, seen) for seen in rule(document))


def input_cost(exchange: Exchange) -> int:
    """The input_tokens of a response. Raises Inconclusive if it does not say."""
    count = tokens(exchange.document, "input_tokens")
    if count is None:
        raise Inconclusive("the responses carry no input_tokens", blame=None)
    return count


def tokens_per_word(short: Exchange, long: Exchange, words: int) -> float:
    """What each of the words costs that one input has more than the other. Raises Inconclusive where an input is not
    counted by its length, of which RESP-027 tells."""
    if long.status in (400, 413, 422):
        raise Inconclusive(f"the model takes no input of {words} words")
    each = (input_cost(long) - input_cost(short)) / words
    if each < LEAST_PER_WORD:
        seen = f"{words} more words cost {each * words:.0f} more input_tokens, so nothing can be told"
        raise Inconclusive(seen, blame=None)
    return each


def lost_words(short: Exchange, long: Exchange, words: int, each: float) -> int:
    """How many of the words, which one input has more than the other, were not counted. Tokens that a cache held are
    counted on top, as there are gateways that leave them out of the sum."""
    more = input_cost(long) + cached_tokens(long.document) - input_cost(short)
    return round(words - more / each)


def beyond_their_caps(answers: Iterable[Exchange]) -> Iterator[Violation]:
    """Responses, plain or streamed, that cost more output than they were allowed."""
    for x, document in _in_the_end(answers):
        cap, spent = sent(x).get("max_output_tokens"), tokens(document, "output_tokens")
        if is_int(cap) and spent is not None and spent > cap:
            yield Violation(x, f"output_tokens is {spent}, with max_output_tokens {cap}")


def ids_twice(answers: Iterable[Exchange], *, same_request: bool) -> Iterator[Violation]:
    """Responses, plain or streamed, with the id of an earlier one: of one to the same request, as a cache sends them,
    or of one to another."""
    first: dict[str, Exchange] = {}
    for x, document in _in_the_end(answers):
        id = document.get("id")
        earlier = first.setdefault(id, x) if isinstance(id, str) and id else x
        if earlier is not x and (sent(earlier) == sent(x)) is same_request:
            yield Violation(x, f"the id {show(id)} came twice" + (", to equal requests" if same_request else ""))


def cut_before_their_caps(answers: Iterable[Exchange]) -> Iterator[Violation]:
    """Responses, plain or streamed, that say they ran into a cap which they are far from."""
    for x, document in _in_the_end(answers):
        yield from (Violation(x, seen) for seen in ends_too_early(sent(x).get("max_output_tokens"))(document))


def item_ids_twice(answers: Iterable[Exchange]) -> Iterator[Violation]:
    """Items of the output, plain or streamed, with the id of another one, or calls with its call_id. What has the id of
    its whole response in common with another is a cache's answer."""
    first: dict[tuple[str, str], tuple[Any, int]] = {}
    for x, document in _in_the_end(answers):
        output = document.get("output")
        items = [item for item in output if isinstance(item, dict)] if isinstance(output, list) else []
        for place, item in enumerate(items):
            for key, id in ((key, item.get(key)) for key in ("id", "call_id")):
                here = (document.get("id"), place)
                if isinstance(id, str) and id and first.setdefault((key, id), here) != here:
                    yield Violation(x, f"the {key} {show(id)} came twice")


def _in_the_end(answers: Iterable[Exchange]) -> Iterator[tuple[Exchange, Json]]:
    for x in answers:
        try:
            yield x, final(x)
        except Unusable:
            continue
