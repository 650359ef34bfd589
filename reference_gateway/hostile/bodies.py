"""Gateways whose documents are poisoned: strings that command a terminal or a browser, numbers, depths and types that
break what reads them."""

import json
import re
from collections.abc import Callable
from typing import Any

from reference_gateway.faults.tcp import Client, Given, Heard
from reference_gateway.hostile.case import Host, Speak, Table, body_of, framed

TABLE = Table()
ESCAPES = "\x1b[2J\x1b]0;owned\x07\x9b31m\r\b\x00"
HTML = '<script>alert(1)</script>"><img src=x onerror=alert(1)>]]>&amp;'
BIDI = "\u202egnihton\u2066\u2028\ufeff"
SURROGATES = "\ud800 half \udc00\ud800"
LONG = "i" * 1_000_000
NUMBERS = (0, -1, 1e308, -0.0, 2**63, -(2**63), 10**18, 10**299, 5e-324, 1.5)

Edit = Callable[[Any, int], Any]


def poisoned(text: str, *, keys: bool = False) -> Edit:
    """Every string with this text at its end, but for the ids of models: they are asked with. With `keys` every member
    stands there under such a name, too."""

    def edit(value: Any, number: int, key: str = "") -> Any:
        if isinstance(value, dict):
            is_model = value.get("object") == "model"
            found = {k: edit(v, number, k if is_model else "") for k, v in value.items()}
            return {k + text: v for k, v in found.items()} | found if keys else found
        if isinstance(value, list):
            return [edit(item, number) for item in value]
        return value + text if isinstance(value, str) and key != "id" else value

    return edit


def numbers(value: Any, number: int) -> Any:
    """Every number is an extreme one."""
    if isinstance(value, dict):
        return {key: numbers(item, number + len(key)) for key, item in value.items()}
    if isinstance(value, list):
        return [numbers(item, number + place) for place, item in enumerate(value)]
    return NUMBERS[number % len(NUMBERS)] if isinstance(value, int | float) and not isinstance(value, bool) else value


def types(value: Any, number: int) -> Any:
    """One value in seven is of another type."""
    others: tuple[Any, ...] = (None, True, [], {}, "", 0, [None], {"a": None}, [[]], -1.5)
    if number % 7 == 3:
        return others[number // 7 % len(others)]
    if isinstance(value, dict):
        return {key: types(item, number * 31 + place + 1) for place, (key, item) in enumerate(value.items())}
    if isinstance(value, list):
        return [types(item, number * 17 + place + 1) for place, item in enumerate(value)]
    return value


def edited(edit: Edit) -> Speak:
    """Every JSON document and every event that holds one."""

    def line(data: bytes, number: int) -> bytes:
        start = b"data: " if data.startswith(b"data: ") else b""
        try:
            value = json.loads(data.removeprefix(start))
        except ValueError:
            return data
        return start + json.dumps(edit(value, number)).encode()

    async def speak(heard: Heard, given: Given, client: Client, host: Host) -> None:
        body, number = await body_of(given), next(host.numbers)
        lines = body.split(b"\n") if given.is_stream else [body]
        changed = b"\n".join(line(data, number + place) for place, data in enumerate(lines))
        await client.write(framed(given.head, changed))

    return speak


def spliced(make: Callable[[int], bytes]) -> Speak:
    """Every JSON object gets a first member with this text as its value."""

    async def speak(heard: Heard, given: Given, client: Client, host: Host) -> None:
        body, member = await body_of(given), b'{"poison": %b, ' % make(next(host.numbers))
        changed = body.replace(b"data: {", b"data: " + member) if given.is_stream else body.replace(b"{", member, 1)
        await client.write(framed(given.head, changed))

    return speak


def nested(number: int) -> bytes:
    depth = (50, 90, 98, 101, 500, 900, 960, 990, 3000, 100_000)[number % 10]
    return b"[" * depth + b"]" * depth if number % 2 else b'{"a":' * depth + b"1" + b"}" * depth


def digits(number: int) -> bytes:
    return (b"9" * 299, b"9" * 5000, b"9" * 1_000_000, b"0." + b"3" * 1_000_000, b"1e999", b"-1e-999999")[number % 6]


async def not_utf8(heard: Heard, given: Given, client: Client, host: Host) -> None:
    """Bytes in every string that are no UTF-8."""
    odd = (b"\xff\xfe", b"\xc3\x28", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\x80")[next(host.numbers) % 5]
    await client.write(framed(given.head, re.sub(rb'": ?"', b'":"' + odd, await body_of(given))))


async def raw_escapes(heard: Heard, given: Given, client: Client, host: Host) -> None:
    """No JSON at all, and headers and a media type that command a terminal."""
    head = (
        b"HTTP/1.1 500 \x1b[31mBad\r\nContent-Type: text/\x1b[2Jhtml<script>\r\nX-\x60Odd: \x1b]0;owned\x07\x9b<script>"
    )
    lines = b"\r\nx-request-id: \x1b[1m<script>\r\nRetry-After: \x1b[5m\r\n\r\n"
    await client.write(framed(head + lines, f"{ESCAPES}{HTML}{BIDI}".encode()))


def listed(id: str) -> Speak:
    """The list of models with this id in the place of each; everything else is correct."""

    async def speak(heard: Heard, given: Given, client: Client, host: Host) -> None:
        if heard.method != "GET" or not heard.path.endswith("/models"):
            await client.pass_on(given)
            return
        body = await body_of(given)
        document = json.loads(body)
        for number, entry in enumerate(document.get("data", ())):
            entry["id"] = f"{id}{number}"
        await client.write(framed(given.head, json.dumps(document).encode()))

    return speak


TABLE.later("terminal-escapes", "has terminal escape sequences in every string", edited(poisoned(ESCAPES)))
TABLE.later("html", "has HTML in every string", edited(poisoned(HTML)))
TABLE.later("writes-backwards", "has controls of the writing's direction in every string", edited(poisoned(BIDI)))
TABLE.later("half-characters", "has halves of surrogate pairs in every string", edited(poisoned(SURROGATES)))
TABLE.later(
    "poisoned-keys", "has a second, poisoned name for every member", edited(poisoned(ESCAPES + HTML, keys=True))
)
TABLE.later("long-strings", "has a megabyte at the end of every string", edited(poisoned(LONG)))
TABLE.later("raw-escapes", "answers 500 with escapes and HTML in its head and body", raw_escapes)
TABLE.at_once("poisoned-ids", "lists models whose ids command a terminal", listed(ESCAPES + HTML + BIDI), (1,))
TABLE.at_once("half-ids", "lists models whose ids are no text", listed(SURROGATES), (1,))
TABLE.at_once("long-ids", "lists models whose ids are a megabyte long", listed(LONG), (1,))
TABLE.later("not-utf8", "has bytes in every string that are no UTF-8", not_utf8)
TABLE.later("deep", "nests JSON deeply, around every bound", spliced(nested))
TABLE.later("digits", "has numbers of up to a million digits", spliced(digits))
TABLE.later("extreme-numbers", "has an extreme number for every number", edited(numbers))
TABLE.later("other-types", "has values of other types here and there", edited(types))
