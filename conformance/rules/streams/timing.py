"""Rules about time: clocks, and whether a stream is delivered while it is made."""

from collections.abc import Callable
from email.utils import parsedate_to_datetime
from itertools import pairwise

from conformance.exchange import Exchange
from conformance.rules import Json
from conformance.rules.streams.chunks import pieces_of
from conformance.sse import DONE, Event

MANY_EVENTS = 20
LONG_ENOUGH_S = 0.2
BURST = 0.05
HELD_BACK_S = 0.15
LATE, HELD_BACK = 0.8, 0.25
SHARED_S = 0.02
"""Seconds in which two streams are both spoken, at the least, if they are served side by side."""
ENOUGH_WAITED = 2
PROMPT_S = 1.0
"""Seconds in which a stream ends after [DONE]."""


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
    a model is slow to begin and quick afterwards, or answers wait for each other, some short one begins as late; and
    where this process was kept from reading, nothing can be said of as long a time.
    """
    times, firsts = text_times_s(long), [found[0] for short in shorts if (found := text_times_s(short))]
    if len(times) < MANY_EVENTS or times[-1] < LONG_ENOUGH_S:
        return None
    if times[-1] - times[0] >= BURST * times[-1]:
        return False
    return True if firsts and times[0] - max(firsts) > HELD_BACK_S + long.late_s else None


def came_in_bursts(longs: list[Exchange], shorts: list[Exchange]) -> bool | None:
    """Whether each of these long answers was held back until it was whole; None where there is too little to tell.

    One that was whole at once, whatever the others waited for, tells that the model is so quick that any answer is one
    burst.
    """
    told = [burst for x in longs if (burst := came_in_one_burst(x, shorts)) is not None]
    if False in told:
        return False
    quick = any(len(times) >= MANY_EVENTS and times[-1] < LONG_ENOUGH_S for times in map(text_times_s, longs))
    return True if told and not quick else None


def began_late(long: Exchange, short: Exchange) -> bool | None:
    """Whether the first text of a long answer was held back until most of it was made, and the rest then delivered as
    it came; None where there is too little to tell, or all of it came in one burst.

    A short answer to the same prompt tells how soon the model can begin, its thoughts included; where answers wait for
    each other, it waits nearly as long.
    """
    times, firsts = text_times_s(long), text_times_s(short)
    if len(times) < 2 or len(times) + len(firsts) < MANY_EVENTS or times[-1] < LONG_ENOUGH_S or not firsts:
        return None
    if times[-1] - times[0] < BURST * times[-1]:
        return None
    held_back_s = max(HELD_BACK_S, HELD_BACK * times[-1]) + long.late_s
    return times[0] > LATE * times[-1] and times[0] - firsts[0] > held_back_s


def side_by_side(streams: list[Exchange]) -> tuple[bool | None, Exchange | None]:
    """Whether any two of these streams, of those long enough to tell, were spoken at the same time, and the last that
    was not, although it was asked for while another was spoken. None where too few waited so for too little to tell."""
    spoken = []
    for x in streams:
        times = text_times_s(x)
        if len(times) >= MANY_EVENTS and times[-1] - times[0] >= LONG_ENOUGH_S:
            spoken.append((x.started_at + times[0], x.started_at + times[-1], x))
    spoken.sort(key=lambda each: each[0])
    waited = []
    for (_, end, _), (begin, _, later) in pairwise(spoken):
        if begin < end - SHARED_S:
            return True, None
        if later.started_at < end - LONG_ENOUGH_S:
            waited.append(later)
    return (None, None) if len(waited) < ENOUGH_WAITED else (False, waited[-1])


def lingered_s(exchange: Exchange, is_end: Callable[[Json], bool] = lambda chunk: False) -> float:
    """Seconds from the first event that says the end, [DONE] or such a chunk, to the end of the answer, less those in
    which this process did not run; 0 without one."""
    told = exchange.parsed_events
    found = [event.t_s for event, chunk in told if (is_end(chunk) if chunk else _is_done(event))]
    return exchange.took_s - found[0] if found else 0.0


def _is_done(event: Event) -> bool:
    return event.data is not None and event.data.strip() == DONE
