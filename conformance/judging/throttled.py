"""What a request that was throttled to the end says of a requirement: nothing, where a gateway is seen to throttle."""

from collections.abc import Collection, Iterable

from conformance.exchange import BUSY, Exchange, Unusable
from conformance.reading.traffic import endpoint, sent
from conformance.verdict import Broken, Inconclusive


def excused(error: Exception, looked_at: Collection[Exchange], run: Iterable[Exchange]) -> Exception:
    """The error of a test; in its place Inconclusive, where requests that were given up are all that shows it.

    That is fair only of a gateway that throttles and serves: one that has served a request which it had sent away
    before, and others like this one. Where none of that was seen, a 429 leaves the requirement untestable, which is
    red, and a 503 is the server error that it says it is.
    """
    if not isinstance(error, AssertionError | Unusable):
        return error
    shown = error.exchanges if isinstance(error, Broken) else ()
    busy = [x for x in shown or looked_at if x.given_up]
    if not busy or (shown and len(busy) < len(shown)):
        return error
    first, exchanges = busy[0], list(run)
    said = f"throttled: {first.label} was still answered with {first.status} after {first.attempt} attempts"
    if any(x.attempt > 1 and x.response and x.status not in BUSY for x in exchanges) and _is_served(first, exchanges):
        return Inconclusive(f"{said}; try a lower --concurrency", blame=None)
    return Unusable(f"{said}, and none that was sent again was served") if first.status == 429 else error


def _is_served(busy: Exchange, run: Iterable[Exchange]) -> bool:
    """Whether others at its endpoint and in its mode were served."""
    return any(x.ok and _kind(x) == _kind(busy) for x in run)


def _kind(exchange: Exchange) -> tuple[str, str, bool]:
    return exchange.request.method, endpoint(exchange), sent(exchange).get("stream") is True
