"""What a hostile case is, and how one that bides its time is made: it lets the list of models and the first chat
through, so that a run really begins."""

import asyncio
import itertools
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from reference_gateway.faults.tcp import Client, Given, Heard, Tcp

_LENGTH = re.compile(rb"\r\n(content-length|transfer-encoding|content-encoding):[^\r]*", re.IGNORECASE)


@dataclass(slots=True)
class Host:
    """What a case knows of where it is served: the URL of another host, which keeps what it hears, and how to end."""

    elsewhere: str = ""
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    numbers: Any = field(default_factory=itertools.count)
    """A number for each answer, so that no two need be hostile in the same way."""


Speak = Callable[[Heard, Given, Client, Host], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Case:
    """One way to be hostile. `exits` are the codes that a check of it may end with: 1 where it was judged, 6 where
    nothing could be. `patient` cases bide their time. `certificate` is one of tls.py's, `scheme` what clients are told
    to speak."""

    name: str
    does: str
    exits: tuple[int, ...]
    speak: Speak | None = None
    patient: bool = False
    certificate: str = ""
    scheme: str = ""

    def begin(self, host: Host) -> Tcp:
        """The behaviour of one server, from its start."""
        lists, chats = itertools.count(), itertools.count()

        async def speak(heard: Heard, given: Given, client: Client) -> None:
            sane = self.speak is None
            if self.patient and heard.method == "GET" and heard.path.endswith("/models"):
                sane = next(lists) == 0
            elif self.patient and heard.is_chat and given.status == 200:
                sane = next(chats) == 0
            if sane or self.speak is None:
                await client.pass_on(given)
            else:
                await self.speak(heard, given, client, host)

        return speak


@dataclass(slots=True)
class Table:
    """The cases of one kind."""

    cases: list[Case] = field(default_factory=list)

    def at_once(self, name: str, does: str, speak: Speak, exits: tuple[int, ...] = (6,)) -> None:
        """Hostile from the first byte."""
        self.cases.append(Case(name, does, exits, speak))

    def later(self, name: str, does: str, speak: Speak, exits: tuple[int, ...] = (1,)) -> None:
        """Hostile once a run has begun."""
        self.cases.append(Case(name, does, exits, speak, patient=True))

    def both(self, name: str, does: str, speak: Speak) -> None:
        self.at_once(name, f"{does}, from the first request on", speak)
        self.later(f"{name}-later", f"{does}, once a run has begun", speak)


async def pour(client: Client, piece: bytes) -> None:
    """This piece for ever, as fast as it is taken."""
    while True:
        await client.write(piece)
        await asyncio.sleep(0)  # a write that is taken at once lets nobody else in


async def body_of(given: Given) -> bytes:
    """The body of the correct answer, without its framing."""
    pieces = [piece async for piece in given.body]
    if b"\r\ntransfer-encoding: chunked" in given.head.lower():
        pieces = [piece.split(b"\r\n", 1)[1][:-2] for piece in pieces]
    return b"".join(pieces)


def framed(head: bytes, body: bytes, *more: bytes) -> bytes:
    """The correct answer's head with another body, its length, and more lines."""
    lines = [_LENGTH.sub(b"", head.removesuffix(b"\r\n\r\n")), *more, b"Content-Length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunked(head: bytes, *more: bytes) -> bytes:
    """The correct answer's head, with a body in chunks to come."""
    lines = [_LENGTH.sub(b"", head.removesuffix(b"\r\n\r\n")), *more, b"Transfer-Encoding: chunked"]
    return b"\r\n".join(lines) + b"\r\n\r\n"
