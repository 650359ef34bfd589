"""The scripted upstream as an ASGI layer around the simulator's own application."""

import asyncio
import json
from collections.abc import Awaitable
from contextlib import suppress
from itertools import chain, repeat
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reference_gateway.call import Json
from reference_gateway.http.response import ABORT
from reference_gateway.scripted import elsewhere, playing
from reference_gateway.scripted.records import SECOND, Received, Records
from reference_gateway.scripted.script import Answer, NoScript, find

RECORDS = "/gateproof/scripts/"
"""Where what came with a script's id can be read: GET RECORDS + id, with ?wait_s=5 once it has ended."""
LONGEST_S = 120.0
SETTLING_S = 0.05


def scripted(app: ASGIApp, key: str) -> ASGIApp:
    """This application, but that it answers what a script in the prompt says; and keeps those requests for whoever has
    the key. Below SECOND it is another provider, of the same models."""
    records = Records()

    async def layered(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
        elif scope["path"].startswith(RECORDS):
            await _tell(records, key, scope, send)
        elif scope["path"].startswith(elsewhere.PATH):
            await _keep(records, scope, receive, send)
        elif scope["method"] != "POST":
            await app(_as_the_first(scope), receive, send)
        else:
            await _answer(app, records, scope, receive, send)

    return layered


def _as_the_first(scope: Scope) -> Scope:
    """The same request at the first provider, which knows no other."""
    path: str = scope["path"]
    return {**scope, "path": path.removeprefix(SECOND)} if path.startswith(f"{SECOND}/") else scope


async def _tell(records: Records, key: str, scope: Scope, send: Send) -> None:
    if (b"authorization", f"Bearer {key}".encode()) not in scope["headers"]:
        await _send_json(send, 401, {"error": {"message": "The upstream's own key is needed to read its records."}})
        return
    given = parse_qs(scope["query_string"].decode("latin-1")).get("wait_s", ["0"])[0]
    try:
        wait_s = min(max(float(given), 0.0), LONGEST_S)
    except ValueError:
        await _send_json(send, 400, {"error": {"message": "wait_s is a number of seconds."}})
        return
    received = await records.of(scope["path"].removeprefix(RECORDS), wait_s)
    await _send_json(send, 200, {"received": received})


async def _keep(records: Records, scope: Scope, receive: Receive, send: Send) -> None:
    """Keeps what was sent where a script pointed, which is answered as a stranger would."""
    received = Received(scope["method"], scope["path"], _headers(scope), await _read(receive))
    records.add(scope["path"].removeprefix(elsewhere.PATH), received)
    received.end("sent")
    await _send_json(send, 200, {})


async def _answer(app: ASGIApp, records: Records, scope: Scope, receive: Receive, send: Send) -> None:
    body = await _read(receive)
    asked = _object(body)
    try:
        script = find(asked)
    except NoScript as error:
        envelope = {"message": f"The script in the prompt can't be played: {error}", "type": "invalid_request_error"}
        await _send_json(send, 400, {"error": envelope | {"param": "messages", "code": "bad_script"}})
        return
    if script is None:
        await app(_as_the_first(scope), _replayed(body, receive), send)
        return
    received = Received(scope["method"], scope["path"], _headers(scope), body)
    answer = elsewhere.pointed(script.answer(records.add(script.id, received)), script.id, scope)

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.body" and message.get("body"):
            received.writes.append((received.elapsed_s, len(message["body"])))
        await send(message)

    if answer.is_the_simulators:
        await asyncio.sleep(answer.delay_s)
        await _ended(received, app(_as_the_first(scope), _replayed(body, receive), sending))
        return
    going = asyncio.ensure_future(_play(answer, asked, received, scope, sending))
    leaving = asyncio.ensure_future(_left(receive))
    try:
        await asyncio.wait({going, leaving}, timeout=2 * LONGEST_S, return_when=asyncio.FIRST_COMPLETED)
        if not going.done():
            received.end("left")
    finally:
        leaving.cancel()
        going.cancel()
        with suppress(asyncio.CancelledError):
            await _ended(received, going)


async def _ended(received: Received, answering: Awaitable[None]) -> None:
    """Notes how this ends, whatever it ends with."""
    try:
        await answering
        received.end("sent")
    finally:
        received.end("left")


async def _play(answer: Answer, asked: Json, received: Received, scope: Scope, send: Send) -> None:
    await asyncio.sleep(answer.delay_s)
    is_stream = answer.can_stream and bool(asked.get("stream"))
    if answer.then != "end" and not (is_stream and answer.events):
        await _leave(answer, received, scope)
        return
    is_response = scope["path"].endswith("/responses")
    if is_stream:
        pieces = list(playing.events(answer, asked, is_response=is_response))[: answer.events]
    else:
        pieces = [playing.body(answer, asked, is_response=is_response)]
    headers = {"content-type": "text/event-stream" if is_stream else "application/json", "x-request-id": "req-scripted"}
    headers |= {name.lower(): value for name, value in answer.headers.items()}
    if answer.gzip:
        headers["content-encoding"] = "gzip"
        pieces = [playing.compressed(b"".join(pieces))]
    if not is_stream:
        headers["content-length"] = str(len(pieces[0]))
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": pairs})
    gaps_s = chain([0.0], answer.gaps_s, repeat(answer.gap_s))
    for gap_s, piece in zip(gaps_s, pieces, strict=False):
        await asyncio.sleep(gap_s)
        size = answer.split or max(len(piece), 1)
        for start in range(0, len(piece), size):
            await send({"type": "http.response.body", "body": piece[start : start + size], "more_body": True})
            await asyncio.sleep(0)
    if answer.then == "end":
        await send({"type": "http.response.body", "body": b""})
    else:
        await _leave(answer, received, scope)


async def _leave(answer: Answer, received: Received, scope: Scope) -> None:
    """Cuts the connection off, once what was written has been read; after a long silence where the answer hangs."""
    await asyncio.sleep(LONGEST_S if answer.then == "hang" else SETTLING_S)
    received.end("cut")
    scope[ABORT]()


def _headers(scope: Scope) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    while (message := await receive())["type"] == "http.request":
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    return bytes(body)


def _replayed(body: bytes, receive: Receive) -> Receive:
    pending = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return pending.pop() if pending else await receive()

    return replay


def _object(body: bytes) -> Json:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


async def _send_json(send: Send, status: int, document: Json) -> None:
    body = json.dumps(document).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
