"""Rules about time: clocks, and whether a stream is delivered while it is made."""

from email.utils import parsedate_to_datetime

from conformance.exchange import Exchange
from conformance.rules.chunks import pieces_of

MANY_EVENTS = 20
LONG_ENOUGH_S = 0.2
BURST = 0.05
HELD_BACK_S = 0.15


def clock_offset_s(exchange: Exchange) -> float:
    """How far the gateway's clock is ahead of ours, from its Date header; 0 without one."""
    try:
        return parsedate_to_datetime(exchange.header("date") or "").timestamp() - exchange.started_at
    except (ValueError, OverflowError):
        return 0.0


def text_times_s(exchange: Exchange) -> list[float]:
    """Arrival times, in seconds after the request, of the events that carry generated text."""
    return [event.t_s for event, chunk in exchange.parsed_events if chunk and any(pieces_of(chunk))]


def came_in_one_burst(long: Exchange, shorts: list[Exchange]) -> bool | None:
    """Whether a long answer was held back until it was whole; None where there is too little to tell.

    All its text came in the last twentieth of its time, and its first text later than that of every short answer: where
    a model is slow to begin and quick afterwards, or answers wait for each other, some short one begins as late.
    """
    times, firsts = text_times_s(long), [found[0] for short in shorts if (found := text_times_s(short))]
    if len(times) < MANY_EVENTS or times[-1] < LONG_ENOUGH_S:
        return None
    if times[-1] - times[0] >= BURST * times[-1]:
        return False
    return True if firsts and times[0] - max(firsts) > HELD_BACK_S else None
