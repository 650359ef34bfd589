"""Gateways that go away: before they answer, at any byte, or for good."""

import itertools

from reference_gateway.faults.tcp import Client, Given, Heard
from reference_gateway.hostile.case import Host, Speak, Table

TABLE = Table()
STEP = 37
LAST_WORDS = 40


async def closes(heard: Heard, given: Given, client: Client, host: Host) -> None:
    await client.close()


async def resets(heard: Heard, given: Given, client: Client, host: Host) -> None:
    await client.reset()


def at_any_byte(*, reset: bool) -> Speak:
    async def speak(heard: Heard, given: Given, client: Client, host: Host) -> None:
        """Goes after a number of bytes that grows from one answer to the next, and begins anew at the end."""
        whole = await given.whole()
        await client.write(whole[: next(host.numbers) * STEP % (len(whole) + 1)])
        await (client.reset() if reset else client.close())

    return speak


async def dies(heard: Heard, given: Given, client: Client, host: Host) -> None:
    """Serves some requests, and then nobody ever again."""
    if next(host.numbers) >= LAST_WORDS:
        host.stop.set()
        await client.reset()
    await client.pass_on(given)


def every_other() -> Speak:
    numbers = itertools.count()

    async def speak(heard: Heard, given: Given, client: Client, host: Host) -> None:
        if next(numbers) % 2:
            await client.reset()
        await client.pass_on(given)

    return speak


TABLE.both("closes", "closes every connection without an answer", closes)
TABLE.both("resets", "resets every connection without an answer", resets)
TABLE.later("closes-at-any-byte", "closes in the middle of every answer, each time elsewhere", at_any_byte(reset=False))
TABLE.later("resets-at-any-byte", "resets in the middle of every answer, each time elsewhere", at_any_byte(reset=True))
TABLE.later("resets-every-other", "resets the connection at every other request", every_other())
TABLE.later("dies", "dies in the middle of the run: from then on nobody listens", dies)
