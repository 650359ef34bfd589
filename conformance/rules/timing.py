"""Rules about time: clocks, and whether a stream is delivered while it is made."""

import time
from email.utils import parsedate_to_datetime

from conformance.exchange import Exchange

MANY_EVENTS = 20
LONG_ENOUGH_S = 0.2
BURST = 0.05


def clock_offset_s(exchange: Exchange) -> float:
    """How far the gateway's clock is ahead of ours, from its Date header; 0 without one."""
    try:
        date = parsedate_to_datetime(exchange.header("date") or "").timestamp()
    except ValueError:
        return 0.0
    return date - (exchange.started_at or time.time())


def content_times_s(exchange: Exchange) -> list[float]:
    """Arrival times, in seconds after the request, of the events that carry a choice's text."""
    return [
        event.t_s
        for event, chunk in exchange.parsed_events
        if chunk
        and any(isinstance(c, dict) and (c.get("delta") or {}).get("content") for c in chunk.get("choices") or [])
    ]


def came_in_one_burst(exchange: Exchange) -> bool | None:
    """Whether all content arrived in the last twentieth of the time; None where there is too little to tell."""
    times = content_times_s(exchange)
    if len(times) < MANY_EVENTS or times[-1] < LONG_ENOUGH_S:
        return None
    return (times[-1] - times[0]) < BURST * times[-1]
