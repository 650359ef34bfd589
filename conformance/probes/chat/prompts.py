"""Probes of what a prompt is made of: roles, turns, parts, images, sizes; and many prompts at once."""

import base64
import json
import struct
import zlib
from asyncio import gather
from typing import Any

from conformance.exchange import Exchange
from conformance.probe import Phase, probe
from conformance.probes.chat.replies import UNICODE
from conformance.sending.gateway import Gateway, together, user

WORD = "apple "
TURNS = 5
PER_TURN = 40
"""Words that each message of the long conversation has more than that of the short one."""
PER_PART = (40, 80, 160)
LARGE = 100_000 // len(WORD)
"""Words of a prompt of 100 kB."""
LENGTHS = tuple(range(10, 300, 40))
SAY_OK = "Reply with the word OK."
FROM_DEVELOPER = [{"role": "developer", "content": "Be brief."}, user(SAY_OK)]


@probe(tokens=32, both_modes=True)
async def chat_history(gateway: Gateway) -> dict[str, Exchange]:
    """A conversation of a system message and five questions with their answers, once with short messages and once with
    the same ones, each longer by 40 words."""

    def conversation(words: int) -> list[dict[str, Any]]:
        more = f" {WORD * words}".rstrip()
        turns = [("user", "How are you?"), ("assistant", "Fine.")] * TURNS
        said = [{"role": role, "content": text + more} for role, text in [("system", "Be brief."), *turns]]
        return [*said, user(SAY_OK)]

    long = gateway.chat({"case": "long"}, messages=conversation(PER_TURN))
    return await together({"short": gateway.chat({"case": "short"}, messages=conversation(0)), "long": long})


@probe(tokens=32, both_modes=True)
async def chat_long_parts(gateway: Gateway) -> dict[str, Exchange]:
    """A message of three text parts, once short and once with 40, 80 and 160 more words in them."""

    def parts(*words: int) -> list[dict[str, Any]]:
        texts = ("Reply", "with the word", "OK.")
        found = [f"{text} {WORD * more}".rstrip() for text, more in zip(texts, words, strict=True)]
        return [user([text_part(text) for text in found])]

    long = gateway.chat({"case": "long"}, messages=parts(*PER_PART))
    return await together({"short": gateway.chat({"case": "short"}, messages=parts(0, 0, 0)), "long": long})


@probe()
async def chat_one_part(gateway: Gateway) -> Exchange:
    """The smallest chat, its text as a part."""
    return await gateway.chat(messages=[user([text_part(SAY_OK)])])


@probe()
async def chat_parts_elsewhere(gateway: Gateway) -> Exchange:
    """Text parts in a system message and in an assistant's."""
    system = {"role": "system", "content": [text_part("Be brief.")]}
    said = {"role": "assistant", "content": [text_part("Hello.")]}
    return await gateway.chat(messages=[system, user("Hi"), said, user(SAY_OK)])


@probe()
async def chat_developer(gateway: Gateway) -> Exchange:
    return await gateway.chat(messages=FROM_DEVELOPER)


@probe()
async def chat_long_developer(gateway: Gateway) -> Exchange:
    """The same with 40 more words from the developer."""
    text = f"Be brief. {WORD * PER_TURN}".rstrip()
    return await gateway.chat(messages=[{"role": "developer", "content": text}, user(SAY_OK)])


@probe()
async def chat_named_user(gateway: Gateway) -> Exchange:
    return await gateway.chat(messages=[user(SAY_OK) | {"name": "alice"}])


@probe(tokens=32)
async def chat_other_scripts(gateway: Gateway) -> list[Exchange]:
    """Prompts whose answers can hardly do without characters beyond ASCII."""
    prompts = ("Write 'good morning' in Japanese, Arabic and Greek.", "Write ten emoji of animals and nothing else.")
    return list(await gather(*(gateway.chat(messages=[user(prompt)], cap=32) for prompt in prompts)))


@probe(phase=Phase.HOSTILE)
async def chat_unknown_role(gateway: Gateway) -> Exchange:
    return await gateway.chat(messages=[{"role": "banana", "content": "Hi"}, user(SAY_OK)])


@probe(phase=Phase.HOSTILE)
async def chat_no_content(gateway: Gateway) -> dict[str, Exchange]:
    """A user who says nothing at all."""
    return await together(
        {
            "no content": gateway.chat({"case": "no content"}, messages=[{"role": "user"}]),
            "content null": gateway.chat({"case": "content null"}, messages=[user(None)]),
        }
    )


@probe(phase=Phase.HOSTILE)
async def chat_odd_message(gateway: Gateway) -> Exchange:
    """A message with a field of one's own."""
    return await gateway.chat(messages=[user(SAY_OK) | {"x_conformance": {"a": [1]}}])


@probe(phase=Phase.HOSTILE)
async def chat_bad_parts(gateway: Gateway) -> dict[str, Exchange]:
    contents: dict[str, list[Any]] = {
        "a part of an unknown type": [text_part("Hi"), {"type": "banana", "banana": "Hi"}],
        "a part without type": [{"text": "Hi"}],
        "a part that is a number": [5],
        "no parts": [],
    }
    return await together(
        {case: gateway.chat({"case": case}, messages=[user(content)]) for case, content in contents.items()}
    )


@probe(phase=Phase.HOSTILE)
async def chat_image(gateway: Gateway) -> Exchange:
    """An image of 32 by 32 pixels, below the text of the smallest chat."""
    return await gateway.chat(messages=[user([text_part(SAY_OK), image_part(png(32))])])


@probe(phase=Phase.HOSTILE)
async def chat_tiny_image(gateway: Gateway) -> Exchange:
    """An image of one pixel."""
    return await gateway.chat(messages=[user([text_part(SAY_OK), image_part(png(1))])])


@probe(phase=Phase.HOSTILE)
async def chat_broken_images(gateway: Gateway) -> dict[str, Exchange]:
    images: dict[str, Any] = {
        "no base64": {"url": "data:image/png;base64,@@@@"},
        "no image": {"url": "data:text/plain;base64,T0s="},
        "no URL": {},
    }
    return await together(
        {
            case: gateway.chat(
                {"case": case}, messages=[user([text_part(SAY_OK), {"type": "image_url", "image_url": image}])]
            )
            for case, image in images.items()
        }
    )


@probe(phase=Phase.HOSTILE)
async def chat_large_prompt(gateway: Gateway) -> Exchange:
    """A prompt of 100 kB, and one token in answer."""
    return await gateway.chat(messages=[user(f"{SAY_OK} {WORD * LARGE}".rstrip())], cap=1)


@probe(phase=Phase.HOSTILE)
async def chat_prompts_both_ways(gateway: Gateway) -> dict[str, dict[str, Exchange]]:
    """What a prompt may hold, and what no prompt should, each streamed and plain; the plain ones are those that are
    sent elsewhere."""
    half = json.dumps(gateway.chat_body(messages=[user("half \ud83d")], cap=1, stream=True)).encode()
    streamed = {
        "other scripts": gateway.stream({"case": "other scripts"}, messages=[user(UNICODE)]),
        "role developer": gateway.stream({"case": "role developer"}, messages=FROM_DEVELOPER),
        "an image": gateway.stream({"case": "an image"}, messages=[user([text_part(SAY_OK), image_part(png(32))])]),
        "100 kB": gateway.stream({"case": "100 kB"}, messages=[user(f"{SAY_OK} {WORD * LARGE}".rstrip())], cap=1),
        "half a surrogate pair": gateway.post("/chat/completions", body=half, case="half a surrogate pair"),
        "temperature 2.1": gateway.stream({"case": "temperature 2.1"}, temperature=2.1),
    }
    plain = {
        "other scripts": gateway.chat(messages=[user(UNICODE)]),
        "role developer": chat_developer(gateway),
        "an image": chat_image(gateway),
        "100 kB": chat_large_prompt(gateway),
        "half a surrogate pair": gateway.post("/chat/completions", body=half.replace(b', "stream": true', b"")),
        "temperature 2.1": gateway.chat(temperature=2.1),
    }
    streams, plains = await gather(together(streamed), together(plain))
    return {case: {"streamed": streams[case], "plain": plains[case]} for case in streams}


@probe(phase=Phase.TIMED, tokens=16)
async def chats_in_parallel(gateway: Gateway) -> dict[str, dict[str, Exchange]]:
    """Prompts of clearly different lengths, the shortest and the longest alone and then all at once; and with them one
    for another model, where the gateway lists one that chats."""

    def chat(length: int, when: str) -> Any:
        prompt = [user(f"{SAY_OK} {WORD * length}".rstrip())]
        return gateway.chat({"case": f"{length} words, {when}", "repeat": when}, messages=prompt)

    alone = {f"{length}": await chat(length, "alone") for length in (LENGTHS[0], LENGTHS[-1])}
    for model in [id for id in gateway.facts.listed if id != gateway.facts.model][:2]:
        answer = await gateway.chat({"case": "another model, alone", "repeat": "alone"}, model=model)
        if answer.ok:
            alone["another model"] = answer
            break
    asked = {f"{length}": chat(length, "in parallel") for length in LENGTHS}
    if "another model" in alone:
        asked["another model"] = gateway.chat({"case": "another model", "repeat": "in parallel"}, model=model)
    return {"alone": alone, "in parallel": await together(asked)}


def text_part(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def image_part(image: bytes) -> dict[str, Any]:
    url = f"data:image/png;base64,{base64.b64encode(image).decode()}"
    return {"type": "image_url", "image_url": {"url": url, "detail": "low"}}


def png(size: int) -> bytes:
    """A square of this many pixels, all of one red."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\xc0\x20\x20" * size) * size
    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
