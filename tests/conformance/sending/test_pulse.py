"""The time in which this process does not run is known, and no gateway is blamed for it."""

import asyncio
import json
from time import sleep

from conformance.exchange import Exchange, Request, Response
from conformance.rules.streams.timing import came_in_one_burst, lingered_s
from conformance.sending.pulse import Pulse


def blocked(seconds: float) -> None:
    """As on a busy machine."""
    sleep(seconds)


def test_what_keeps_the_loop_from_running_is_counted_while_it_lasts_and_afterwards() -> None:
    async def busy() -> tuple[float, float, float]:
        pulse = Pulse()
        pulse.start()
        await asyncio.sleep(0.05)
        before = pulse.late_s
        blocked(0.4)
        during = pulse.late_s
        await asyncio.sleep(0.05)
        after = pulse.late_s
        pulse.stop()
        return before, during, after

    before, during, after = asyncio.run(busy())
    assert during - before >= 0.3
    assert after >= during


def test_a_pulse_that_was_not_started_has_lost_nothing() -> None:
    assert Pulse().late_s == 0.0


def stream(*times_s: float, late_s: float = 0.0, duration_s: float = 1.0) -> Exchange:
    chunks = [{"choices": [{"index": 0, "delta": {"content": "word "}, "finish_reason": None}]}] * len(times_s)
    reads = [(t, b"data: %b\n\n" % json.dumps(chunk).encode()) for t, chunk in zip(times_s, chunks, strict=True)]
    reads.append((times_s[-1], b"data: [DONE]\n\n"))
    answer = Response(200, (("Content-Type", "text/event-stream"),), tuple(reads))
    return Exchange("x1", "", Request("POST", "http://gw/v1"), answer, None, 0.0, duration_s, late_s)


def test_text_that_was_read_late_was_not_held_back() -> None:
    short, burst = stream(0.1), [0.5] * 30
    assert came_in_one_burst(stream(*burst), [short]) is True
    assert came_in_one_burst(stream(*burst, late_s=0.3), [short]) is None


def test_an_end_that_was_read_late_did_not_linger() -> None:
    assert lingered_s(stream(0.1, duration_s=2.0)) == 1.9
    assert abs(lingered_s(stream(0.1, duration_s=2.0, late_s=1.5)) - 0.4) < 1e-9
