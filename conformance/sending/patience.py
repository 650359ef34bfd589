"""What is done about answers of 429 and 503: whether a request is sent again, when, and how many go on meanwhile.

What is sent never depends on it, only when. A run against a gateway that throttles takes longer, and is as long as
`--max-time` at the most.
"""

import random
import time
from contextlib import suppress
from email.utils import parsedate_to_datetime

from conformance.exchange import BUSY, Exchange
from conformance.sending.slots import Slots

FEW, MANY = 3, 8
"""How often a request is sent at the most: as long as it has never helped, and once it has."""
MAX_WAIT_S = 20.0
PAUSE_S = 1.0
"""For how long nothing else is sent at the most, whatever one answer says."""
SPREAD = 0.25
"""By how much waits differ, so that those who were refused together don't come back together."""
IN_VAIN = 3
"""So many requests given up, and none served that was sent again: that is no throttling, and nothing is slowed any
more."""


class Patience:
    """The patience of one run."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._helped = False
        self._in_vain = 0

    def will_repeat(self, exchange: Exchange, attempt: int, turn: int) -> bool:
        """Whether a request that was answered so is to be sent again. `turn` is that of its slot. Others are slowed, or
        go on faster, by what it says."""
        if exchange.status not in BUSY:
            self._helped = self._helped or (attempt > 1 and exchange.response is not None)
            self._slots.widen()
            return False
        if self._helped or self._in_vain < IN_VAIN:
            self._slots.narrow(turn, min(wait_s(exchange.header("retry-after"), attempt), PAUSE_S))
        if attempt < (MANY if self._helped else FEW):
            return True
        self._in_vain += 1
        if not self._helped and self._in_vain == IN_VAIN:
            self._slots.open()
        return False


def wait_s(retry_after: str | None, attempt: int) -> float:
    """Seconds to wait after so many attempts: what Retry-After says, within bounds; without it 0.5, 1, 2 …"""
    wait = 0.5 * 2.0 ** (attempt - 1)
    if retry_after:
        try:
            wait = float(retry_after)
        except ValueError:
            with suppress(ValueError):
                wait = parsedate_to_datetime(retry_after).timestamp() - time.time()
    return min(max(wait, 0.0), MAX_WAIT_S)


def spread_s(wait: float) -> float:
    """A little longer, by chance."""
    return wait * random.uniform(1.0, 1.0 + SPREAD)
