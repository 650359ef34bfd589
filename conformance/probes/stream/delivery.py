"""Probes of how streams are delivered: whole, compressed, slowly read, left in the middle, and after a refusal."""

import json
from asyncio import gather
from typing import Any

from conformance.exchange import Exchange
from conformance.probe import Phase, probe
from conformance.probes.stream.streams import LONG_CAP, LONG_PROMPT, USAGE
from conformance.sending.gateway import ABSENT, Gateway, together, user
from conformance.sending.manners import NOTHING_YET, Manner

SEEDED_CAP = 48
MULTIBYTE = "Tell me a story in ten sentences with an emoji after every sentence and some Japanese and Korean words."
LEFT_CAP = 128
LEAVING: dict[str, tuple[Manner, int]] = {
    "reset in the middle": (Manner(leave_after=1, reset=True), 8),
    "closed in the middle": (Manner(leave_after=1), 8),
    "reset before anything came": (Manner(leave_after=NOTHING_YET, reset=True), 4),
}
"""How streams are left, and how many so."""
SLOW = Manner(pause_s=0.5, bite=512)


@probe(tokens=48)
async def chat_seeded(gateway: Gateway) -> dict[str, list[Exchange]]:
    """One prompt, seeded and at temperature 0, twice plain and twice streamed, that asks for characters of many bytes:
    a model that answers alike every time shows what streaming does to a text."""
    fields: dict[str, Any] = {"messages": [user(MULTIBYTE)], "temperature": 0, "seed": 7, "cap": SEEDED_CAP}
    streaming = gateway.streaming()
    plain, streamed = await gather(
        gather(*(gateway.chat({"repeat": n}, **fields) for n in (0, 1))),
        gather(*(streaming.chat({"repeat": n}, **fields) for n in (0, 1))),
    )
    return {"plain": list(plain), "streamed": list(streamed)}


@probe(tokens=LONG_CAP)
async def chat_stream_compressed(gateway: Gateway) -> list[Exchange]:
    """Two of the longer streams, for a client that can read gzip."""
    offering = {"Accept-Encoding": "gzip"}
    longs = (gateway.stream({"repeat": n, "headers": offering}, messages=LONG_PROMPT, cap=LONG_CAP) for n in (1, 2))
    return list(await gather(*longs))


@probe()
async def chat_stream_options_alone(gateway: Gateway) -> Exchange:
    """Options of a stream, and no stream."""
    return await gateway.chat(stream_options=USAGE)


@probe()
async def chat_stream_options_off(gateway: Gateway) -> dict[str, Exchange]:
    """Options of a stream that ask for nothing."""
    options: dict[str, Any] = {
        "null": None,
        "no usage": {"include_usage": False},
        "no obfuscation": {"include_obfuscation": False},
        "none": {},
    }
    return await together({case: gateway.stream({"case": case}, stream_options=options[case]) for case in options})


@probe()
async def chat_stream_to_http_1_0(gateway: Gateway) -> list[Exchange]:
    """The smallest stream, asked for by a client that speaks HTTP/1.0 and so knows no chunked coding."""
    piece = gateway.as_bytes("POST", "/chat/completions", json.dumps(gateway.chat_body(stream=True)).encode())
    return await gateway.raw([piece.replace(b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", 1)], ["POST"])


@probe()
async def chat_stream_after_refusals(gateway: Gateway) -> list[Exchange]:
    """Two streams that are refused, and one that is not, on one connection."""
    good = json.dumps(gateway.chat_body(stream=True)).encode()
    bodies = [json.dumps(gateway.chat_body(stream=True, messages=ABSENT)).encode(), good[:-1], good]
    pieces = [gateway.as_bytes("POST", "/chat/completions", body) for body in bodies]
    return await gateway.raw(pieces, ["POST"] * len(pieces))


@probe(tokens=LONG_CAP)
async def chat_stream_read_slowly(gateway: Gateway) -> dict[str, Exchange]:
    """A stream read in small bites with a pause, and a chat meanwhile."""
    body = gateway.chat_body(stream=True, messages=LONG_PROMPT, cap=LONG_CAP)
    return await together(
        {
            "slow": gateway.badly(SLOW, "/chat/completions", body, case="read slowly"),
            "meanwhile": gateway.chat({"repeat": "beside a slow reader"}),
        }
    )


@probe(phase=Phase.LAST, tokens=LEFT_CAP)
async def chat_streams_left(gateway: Gateway) -> dict[str, list[Exchange]]:
    """Longer streams that we leave, all at once, then chats and streams to their ends."""
    body = gateway.chat_body(stream=True, messages=LONG_PROMPT, cap=LEFT_CAP)
    left = await gather(
        *(
            gateway.badly(manner, "/chat/completions", body, case=f"{case} {number}")
            for case, (manner, times) in LEAVING.items()
            for number in range(1, times + 1)
        )
    )
    words = [[user(f"Reply with the word {word}.")] for word in ("YES", "NO", "WELL")]  # nothing that was sent before
    first = await gather(gateway.chat(messages=words[0]), gateway.stream(messages=words[1]))
    last = await gather(gateway.chat(messages=words[2]), gateway.stream(messages=words[2]))
    return {"left": list(left), "after": [*first, *last]}
