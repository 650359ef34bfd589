"""What a run keeps, how long it goes on, and whether the gateway is still there."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

import httpcore._async.http11
import pytest

from conformance import profiles
from conformance.exchange import Blame, Exchange, Failure, Request, Response, Unusable
from conformance.limits import HEADERS, Limits
from conformance.probes import PROBES
from conformance.rehearsing.clock import JumpingLoop
from conformance.rehearsing.rehearsal import Stage
from conformance.sending.cost import Budget
from conformance.sending.failures import Over, Silence, Unconnected, failure_of
from conformance.sending.gateway import Gateway
from conformance.sending.keeping import Body, Store, TooLarge
from conformance.sending.manners import Manner, Seen
from conformance.sending.presence import AWAY_S, ENOUGH, Presence
from conformance.sending.recording import record_with
from conformance.sending.wire import Wire, raw_request
from conformance.target import Target

LIMITS = Limits(body_bytes=1000, run_bytes=10_000, cut_bytes=100)


# What is kept of bodies


def test_reads_of_one_stamp_are_one() -> None:
    body = Body(Store(LIMITS))
    for stamp in (1.0, 2.0):
        for byte in b"hello":
            body.add(stamp, bytes([byte]))
    assert body.reads == ((1.0, b"hello"), (2.0, b"hello"))


def test_an_answer_is_cut_where_it_is_too_long() -> None:
    body = Body(Store(LIMITS))
    body.add(1.0, b"x" * 900)
    with pytest.raises(TooLarge, match=r"passed 1000 bytes .* gateproof's own"):
        body.add(2.0, b"y" * 900)
    assert [len(data) for _, data in body.reads] == [900, 100]


def test_a_run_that_has_kept_much_keeps_little_more_and_at_last_nothing() -> None:
    store, lengths = Store(LIMITS), []
    for _ in range(60):
        body = Body(store)
        with suppress(TooLarge):
            body.add(1.0, b"x" * 900)
        body.end()
        lengths.append(sum(len(data) for _, data in body.reads))
    assert sorted(set(lengths)) == [0, 100, 900]
    assert lengths == sorted(lengths, reverse=True)
    assert store.weight < 2 * LIMITS.run_bytes


def test_what_is_packed_fills_a_run_sooner() -> None:
    def weighed(packed: bool) -> int:
        store = Store(Limits())
        body = Body(store)
        body.begin([(b"Content-Encoding", b" GZIP")] if packed else [])
        body.add(1.0, b"x" * 1000)
        body.end()
        return store.weight

    assert weighed(True) > 10 * weighed(False)


def test_blank_lines_are_counted_as_they_come() -> None:
    for blank in ("\n\n", "\r\r", "\r\n\r\n"):
        for size in (1, 2, 3, 100):
            seen, data = Seen(Body(Store(Limits()))), f"data: 1{blank}data: 2{blank}data".encode()
            for at in range(0, len(data), size):
                seen.add(float(at), data[at : at + size])
            assert seen.events == 2


def test_heads_are_bounded_alike_by_every_reader() -> None:
    assert Limits().head_bytes == httpcore._async.http11.AsyncHTTP11Connection.MAX_INCOMPLETE_EVENT_SIZE


# What is said of it


@pytest.mark.parametrize(
    ("error", "kind", "said", "blame"),
    [
        (Silence(0.25), "timeout", "nothing was received for 0.25 s", Blame.GATEWAY),
        (TimeoutError(), "timeout", "not at its end after 120 s", Blame.GATEWAY),
        (Unconnected(), "connect", "no connection within 10 s", Blame.NETWORK),
        (ConnectionRefusedError(111, "Connection refused"), "connect", "no connection (Connection refused)", "network"),
        (TimeoutError(110, "Connection timed out"), "connect", "no connection (Connection timed out)", "network"),
        (ConnectionResetError(), "closed", "the connection was reset", Blame.GATEWAY),
        (Over(), "abandoned", "cut by us, as the run's 1800 s (--max-time) were over", Blame.SUITE),
        (TooLarge("its body was cut"), "too-large", "its body was cut", Blame.SUITE),
        (httpcore.RemoteProtocolError("\x1b" * 1000), "protocol", "\\x1b", Blame.GATEWAY),
        (httpcore.RemoteProtocolError("illegal line: bytearray(b'\\x15\\x03\\x01')"), "protocol", "is TLS", "gateway"),
    ],
)
def test_a_failure_says_what_was_waited_for_and_whose_it_is(error: Exception, kind: str, said: str, blame: str) -> None:
    failure = failure_of(error, Limits())
    assert (failure.kind, failure.blame) == (kind, blame)
    assert said in failure.message
    assert failure.message.isprintable() and len(failure.message) < 300


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def every_way(limits: Limits, talk: Talk = silent) -> list[Exchange]:
    """One request in each of the ways that there are, to a server that never answers, or talks so."""
    listening = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with listening, Wire(limits) as wire:
        origin = "http://127.0.0.1:{1}".format(*listening.sockets[0].getsockname())
        request = Request("GET", origin + "/")
        piece = raw_request("GET", origin + "/", [("Host", "h")])
        found = await asyncio.gather(
            wire.send("a", "p", request),
            wire.badly("b", "p", request, Manner(pause_s=0.01)),
            wire.raw("c", "p", origin, [piece], ["GET"]),
        )
        return [found[0], found[1], *found[2]]


def test_every_wait_says_its_own_length() -> None:
    exchanges = asyncio.run(every_way(Limits(silence_s=0.1, total_s=5.0)))
    assert {x.failure and x.failure.message for x in exchanges} == {"nothing was received for 0.1 s"}


def test_every_wait_ends_with_the_run() -> None:
    exchanges = asyncio.run(every_way(Limits(silence_s=60.0, run_s=0.1)))
    assert [x.abandoned for x in exchanges] == [True] * 3
    assert "--max-time" in exchanges[0].seen


async def many_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * (HEADERS + 1) + b"Content-Length: 2\r\n\r\n{}")
    await writer.drain()
    writer.close()


def test_headers_are_counted_in_every_way() -> None:
    for exchange in asyncio.run(every_way(Limits(), many_headers)):
        assert exchange.failure is not None
        assert exchange.failure.kind == "too-large"
        assert len(exchange.headers) == HEADERS


# The time of a run


class Slow(Stage):
    """Every answer takes as long as this, in time that is made up."""

    takes_s = 3.0

    async def send(self, id: str, label: str, request: Request) -> Exchange:
        await asyncio.sleep(self.takes_s)
        return await super().send(id, label, request)


def rehearsed(budget: Budget, run_s: float, names: set[str]) -> tuple[Gateway, object]:
    target = Target("http://h/v1", model="rehearsed-model")
    found: list[object] = []

    async def go() -> Gateway:
        budget.begin(run_s)
        gateway = Gateway(Slow(target, 0, 0), target, profiles.profile("openai"), budget=budget, concurrency=1)
        found.append(await record_with(gateway, names))
        return gateway

    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(go()), found[0]


def test_a_run_without_time_for_its_first_answers_says_so() -> None:
    _, recording = rehearsed(Budget(), 2.0, set())
    assert "--max-time" in recording.blocked


def test_what_there_is_no_time_for_is_not_sent_and_is_our_own_doing() -> None:
    gateway, recording = rehearsed(Budget(), 10.0, set(sorted(PROBES)[:20]))
    results = recording.results.values()
    late = [result for result in results if result.unusable and "10 s (--max-time) are used up" in result.unusable]
    assert len(late) > 10
    assert {result.blame for result in late} == {Blame.SUITE}
    assert len(gateway.exchanges) <= 10 / Slow.takes_s + 1


# A gateway that goes away


def missed(at_s: float, said: str = "no connection (Connection refused)") -> Exchange:
    return Exchange(f"x{at_s}", "p", Request("GET", "u"), failure=Failure("connect", said), started_at=at_s)


THERE = Exchange("x0", "p", Request("GET", "u"), Response(200, ()))


def test_one_who_was_never_there_is_not_lost() -> None:
    presence = Presence()
    for number in range(50):
        presence.note(missed(float(number)))
    assert presence.lost is None
    assert not presence.is_doubtful(missed(99.0))


def test_one_who_is_there_again_is_not_lost() -> None:
    presence = Presence()
    for number in range(50):
        presence.note(THERE)
        for _ in range(ENOUGH - 1):
            presence.note(missed(float(number)))
    assert presence.lost is None


def test_a_moment_is_not_enough() -> None:
    presence = Presence()
    for exchange in (THERE, *[missed(5.0)] * 50):
        presence.note(exchange)
    assert presence.lost is None
    presence.note(missed(5.0 + AWAY_S))
    assert presence.lost is not None


@pytest.mark.parametrize(
    ("said", "blame", "advice"),
    [
        ("no connection (Connection refused)", Blame.GATEWAY, "did it crash"),
        ("no connection (No route to host)", Blame.NETWORK, "is the network up"),
    ],
)
def test_one_who_has_gone_is_told_once_with_the_first_request(said: str, blame: Blame, advice: str) -> None:
    presence = Presence()
    presence.note(THERE)
    for number in range(ENOUGH):
        presence.note(missed(10.0 + number, said))
    assert isinstance(presence.lost, Unusable)
    assert presence.lost.blame is blame
    assert "from request x10.0 on" in str(presence.lost) and advice in str(presence.lost)


def test_nothing_is_sent_to_one_who_has_gone() -> None:
    class Gone(Stage):
        asked = 0

        async def send(self, id: str, label: str, request: Request) -> Exchange:
            self.asked += 1
            answer = await super().send(id, label, request)
            now = asyncio.get_running_loop().time()
            if self.asked > 3:
                return replace(answer, response=None, failure=missed(0).failure, started_at=now)
            return replace(answer, started_at=now)

    target = Target("http://h/v1", model="rehearsed-model")
    wire = Gone(target, 0, 0)

    async def go() -> list[str]:
        gateway = Gateway(wire, target, profiles.profile("openai"))
        said = []
        for number in range(60):
            try:
                await gateway.chat(user=str(number))
            except Unusable as lost:
                said.append(str(lost))
        return said

    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        said = runner.run(go())
    assert len(said) == 56
    assert len(set(said)) == 1
    assert wire.asked == 3 + ENOUGH
