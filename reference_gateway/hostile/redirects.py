"""Gateways that send their clients elsewhere."""

from reference_gateway.faults.tcp import Client, Given, Heard
from reference_gateway.hostile.case import Host, Speak, Table

TABLE = Table()
STATUSES = (301, 302, 303, 307, 308)


def redirects(*, elsewhere: bool) -> Speak:
    async def speak(heard: Heard, given: Given, client: Client, host: Host) -> None:
        """To the same path, of this gateway or of another host, with each of the statuses in turn."""
        status = STATUSES[next(host.numbers) % len(STATUSES)]
        place = (host.elsewhere if elsewhere else "") + heard.path
        head = f"HTTP/1.1 {status} Elsewhere\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n"
        await client.write(head.encode("latin-1"))

    return speak


TABLE.both("redirects-in-a-loop", "redirects every request to itself", redirects(elsewhere=False))
TABLE.both("redirects-elsewhere", "redirects every request to another host", redirects(elsewhere=True))
