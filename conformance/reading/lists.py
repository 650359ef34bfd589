"""The lists of models of a run that must be one and the same, and whether they are."""

from collections.abc import Iterable

from conformance.exchange import Exchange, Unusable
from conformance.rules.models import ids

NOT_AS_USUAL = ("host", "cookie", "via", "forwarded")


def same_lists(exchanges: Iterable[Exchange], models: Exchange) -> list[Exchange]:
    """All successful reads of the list with the same key that nothing sets apart, as a proxy's headers may, in the
    order in which they were sent. Raises Unusable if `models`, the plainest, is none."""
    _ = models.document
    asked, key = models.request, models.sent_header("authorization")
    reads = [
        x
        for x in exchanges
        if (x.request.method, x.request.url) == (asked.method, asked.url)
        and x.sent_header("authorization") == key
        and not any(name.lower().startswith(("x-", *NOT_AS_USUAL)) for name, _ in _more_headers(x, models))
    ]
    return sorted((x for x in reads if _is_list(x)), key=lambda x: x.started_at)


def goes_back(reads: list[Exchange]) -> tuple[Exchange, list[str]] | None:
    """A read that holds the ids of an earlier one again, after another that does not, and the ids that came or went;
    reads that overlap may see a change in either order."""
    for place, first in enumerate(reads):
        for other in reads[place + 1 :]:
            if other.started_at < first.started_at + first.duration_s or ids(other.document) == ids(first.document):
                continue
            end = other.started_at + other.duration_s
            for last in reads:
                if last.started_at >= end and ids(last.document) == ids(first.document):
                    return last, sorted(ids(first.document) ^ ids(other.document))
    return None


def _more_headers(exchange: Exchange, usual: Exchange) -> list[tuple[str, str]]:
    return [pair for pair in exchange.request.headers if pair not in usual.request.headers]


def _is_list(exchange: Exchange) -> bool:
    try:
        return bool(ids(exchange.document))
    except Unusable:
        return False
