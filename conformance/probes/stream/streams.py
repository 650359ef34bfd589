"""Probes of streamed chat completions."""

import json
from asyncio import gather
from typing import Any

from conformance.exchange import Exchange
from conformance.probe import probe
from conformance.probes.chat.replies import SMALL_CAP, STOP_CAP, STORY
from conformance.sending.gateway import ABSENT, Gateway, together, user

USAGE = {"include_usage": True}
LONG_CAP = 64
LONG_PROMPT = [user(STORY + " Use at least 100 words.")]
LENGTHS = (5, 25, 60, 110)


@probe()
async def chat_stream(gateway: Gateway) -> Exchange:
    """The smallest stream, with the Accept header that the official SDK sends: application/json."""
    return await gateway.stream()


@probe()
async def chat_stream_again(gateway: Gateway) -> Exchange:
    return await gateway.stream({"repeat": 1})


@probe()
async def chat_stream_for_browsers(gateway: Gateway) -> Exchange:
    return await gateway.stream({"headers": {"Accept": "text/event-stream"}})


@probe()
async def chat_stream_usage(gateway: Gateway) -> Exchange:
    return await gateway.stream(stream_options=USAGE)


@probe(tokens=64)
async def chat_stream_long(gateway: Gateway) -> dict[str, Exchange]:
    """A short answer, and three to the same prompt, long enough to tell whether they come while they are made."""
    longs = {f"long {n}": gateway.stream({"repeat": n}, messages=LONG_PROMPT, cap=LONG_CAP) for n in (1, 2, 3)}
    return await together({"short": gateway.stream(messages=LONG_PROMPT, cap=SMALL_CAP), **longs})


@probe(tokens=48)
async def chat_stream_n2(gateway: Gateway) -> Exchange:
    """Two texts, both longer than their cap, with usage where that is offered."""
    return await gateway.streaming().chat(messages=[user(STORY)], n=2, cap=SMALL_CAP)


@probe()
async def chat_stream_stop(gateway: Gateway) -> Exchange:
    return await gateway.streaming().chat(messages=[user(STORY)], stop=["e", "a"], cap=STOP_CAP)


@probe()
async def chat_stream_word_stop(gateway: Gateway) -> Exchange:
    """Stop sequences of two characters, which models split over two tokens."""
    return await gateway.streaming().chat(messages=[user(STORY)], stop=[" t", "e ", "he", "s "], cap=STOP_CAP)


@probe()
async def chat_stream_caps(gateway: Gateway) -> dict[str, Exchange]:
    """As chat_caps, with usage where that is offered."""
    streaming = gateway.streaming()
    story = [user("Write an essay of 500 words about rivers.")]
    keys = ("max_completion_tokens", "max_tokens")
    without: dict[str, Any] = {gateway.facts.token_key: ABSENT}
    return await together(
        {key: streaming.chat({"case": key}, messages=story, **(without | {key: SMALL_CAP})) for key in keys}
    )


@probe()
async def chat_stream_refused(gateway: Gateway) -> dict[str, dict[str, Exchange]]:
    """Requests that are refused before anything is generated, each streamed and plain."""
    unknown = gateway.unknown_model()

    async def both(case: str, **fields: Any) -> dict[str, Exchange]:
        return await together(
            {
                "streamed": gateway.stream({"case": f"{case}, streamed"}, **fields),
                "plain": gateway.chat({"case": case}, **fields),
            }
        )

    async def malformed() -> dict[str, Exchange]:
        bodies = {
            "streamed": json.dumps(gateway.chat_body(stream=True))[:-1],
            "plain": json.dumps(gateway.chat_body())[:-1],
        }
        return await together(
            {
                form: gateway.send("POST", "/chat/completions", body=text.encode(), case=f"malformed JSON, {form}")
                for form, text in bodies.items()
            }
        )

    cases = await gather(
        both("unknown model", model=unknown),
        both("no messages", messages=ABSENT),
        both("temperature hot", temperature="hot"),
        malformed(),
    )
    return dict(zip(("unknown model", "no messages", "temperature hot", "malformed JSON"), cases, strict=True))


@probe(tokens=48)
async def chat_streams_in_parallel(gateway: Gateway) -> dict[str, dict[str, Exchange]]:
    """Prompts of clearly different lengths, all streamed at once (with usage, where it is offered), and each asked once
    more without stream."""

    def prompt(length: int) -> list[dict[str, Any]]:
        return [user("Reply with OK. " + "pear " * length)]

    counted = (await gateway.stream(stream_options=USAGE)).status == 200
    options = {"stream_options": USAGE} if counted else {}
    streams = await together({str(n): gateway.stream(messages=prompt(n), **options) for n in LENGTHS})
    plain = await together({str(n): gateway.chat(messages=prompt(n)) for n in LENGTHS})
    return {"streamed": streams, "plain": plain}


@probe(tokens=32)
async def chat_after_stream_on_one_connection(gateway: Gateway) -> list[Exchange]:
    """A stream to its end and a plain chat, written to one connection."""
    streamed, plain = (json.dumps(gateway.chat_body(**fields)).encode() for fields in ({"stream": True}, {}))
    pieces = [gateway.as_bytes("POST", "/chat/completions", body) for body in (streamed, plain)]
    return await gateway.raw(pieces, ["POST", "POST"])
