"""The simulated speed: when each token of an answer is due, and whose turn it is to say one.

Deadlines are absolute, so delays do not add up.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator

from reference_gateway.call import Json

_TTFT_S = 0.020
_ITL_S = 0.005


class Pace:
    """The time table of an answer that begins now: the first token after `ttft_s`, then one each `itl_s`."""

    __slots__ = ("_due", "_itl_s", "_loop")

    def __init__(self, settings: Json) -> None:
        """Reads `ttft_s` and `itl_s` (seconds) from a model's settings. Needs a running event loop."""
        self._loop = asyncio.get_running_loop()
        self._itl_s = float(settings.get("itl_s", _ITL_S))
        self._due = self._loop.time() + float(settings.get("ttft_s", _TTFT_S))

    async def token(self) -> None:
        """Waits until the next token is due; lets others run even when it is late already."""
        await asyncio.sleep(self._due - self._loop.time())
        self._due += self._itl_s

    async def first(self) -> None:
        """Waits until the first token is due, without taking it."""
        await asyncio.sleep(self._due - self._loop.time())

    async def whole(self, tokens: int) -> None:
        """Waits as long as streaming `tokens` tokens would take."""
        self._due += max(tokens - 1, 0) * self._itl_s
        await self.first()


Turn = tuple[Json, bool]
"""One chunk's `choices` member, and whether it carries a token."""


async def in_turns(speakers: list[Iterator[Turn]], pace: Pace) -> AsyncIterator[Json]:
    """What all the speakers say, a token each in turn; every token when it is due, the rest along with it."""
    await pace.first()
    while speakers:
        for speaker in tuple(speakers):
            for said, is_token in speaker:
                if is_token:
                    await pace.token()
                yield said
                if is_token:
                    break
            else:
                speakers.remove(speaker)
