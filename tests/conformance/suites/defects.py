"""Puts one defect around a correct application: a test says what a request or an answer becomes, this makes it so."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from inspect import isawaitable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Header = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the application gets it."""

    method: str
    path: str
    query: bytes
    headers: tuple[Header, ...]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON, None if it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def object(self) -> dict[str, Any]:
        """The JSON object in the body, an empty one if it holds none."""
        return self.json if isinstance(self.json, dict) else {}

    @property
    def streams(self) -> bool:
        return self.object.get("stream") is True

    def header(self, name: str) -> str | None:
        return next((value.decode("latin-1") for key, value in self.headers if key == name.encode()), None)

    def with_header(self, name: str, value: str | None) -> "Asked":
        """With this header only once, or not at all."""
        kept = tuple(pair for pair in self.headers if pair[0] != name.encode())
        return replace(self, headers=kept if value is None else (*kept, (name.encode(), value.encode("latin-1"))))


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, its length left to the server's framing."""

    status: int
    headers: tuple[Header, ...] = ((b"content-type", b"application/json"),)
    body: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def is_stream(self) -> bool:
        return (b"content-type", b"text/event-stream") in [(key, value.split(b";")[0]) for key, value in self.headers]

    def header(self, name: str) -> str | None:
        return next((value.decode("latin-1") for key, value in self.headers if key == name.encode()), None)

    def with_header(self, name: str, value: str | None) -> "Answer":
        kept = tuple(pair for pair in self.headers if pair[0] != name.encode())
        return replace(self, headers=kept if value is None else (*kept, (name.encode(), value.encode("latin-1"))))

    def with_json(self, value: Any) -> "Answer":
        return replace(self, body=json.dumps(value).encode())


def error(status: int, message: str = "no", **fields: Any) -> Answer:
    """A correct error answer."""
    envelope = {"message": message, "type": "invalid_request_error", "param": None, "code": None} | fields
    return with_request_id(Answer(status)).with_json({"error": envelope})


def with_request_id(answer: Answer) -> Answer:
    return answer.with_header("x-request-id", f"req-{next(_numbers)}")


Act = Callable[[Asked], Asked | Answer | None | Awaitable[Asked | Answer | None]]
Edit = Callable[[Asked, Answer], Answer | None]


def before(app: ASGIApp, act: Act) -> ASGIApp:
    """`act` sees every request first: it answers it, changes it, or lets it through with None."""

    async def handle(asked: Asked, pass_on: Callable[[Asked], Awaitable[Answer]], send: Send) -> None:
        done = act(asked)
        done = await done if isawaitable(done) else done
        if isinstance(done, Answer):
            await _send(done, asked, send)
        else:
            await pass_on(done or asked)

    return _around(app, handle, collect=False)


def changed(app: ASGIApp, edit: Edit) -> ASGIApp:
    """`edit` makes an answer another one, or leaves it with None. Streams are sent in one piece."""

    async def handle(asked: Asked, pass_on: Callable[[Asked], Awaitable[Answer]], send: Send) -> None:
        answer = await pass_on(asked)
        await _send(edit(asked, answer) or answer, asked, send)

    return _around(app, handle, collect=True)


def each_write(app: ASGIApp, edit: Callable[[Asked, bytes], bytes]) -> ASGIApp:
    """`edit` makes every piece of a body another one; for streams, whose events the gateway writes one by one."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        asked = await _read(scope, receive)

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [pair for pair in message["headers"] if pair[0].lower() != b"content-length"]
                message = {**message, "headers": headers}
            elif message.get("body"):
                message = {**message, "body": edit(asked, message["body"])}
            await send(message)

        await app(scope, _replayed(asked, receive), sending)

    return wrapped


_numbers = iter(range(1, 10**9))


def _around(app: ASGIApp, handle: Callable[..., Awaitable[None]], *, collect: bool) -> ASGIApp:
    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return

        async def pass_on(asked: Asked) -> Answer:
            inner = {**scope, "method": asked.method, "path": asked.path, "query_string": asked.query}
            inner |= {"headers": list(asked.headers), "raw_path": asked.path.encode()}
            if not collect:
                await app(inner, _replayed(asked, receive), send)
                return Answer(0)
            status = 500
            headers: tuple[Header, ...] = ()
            pieces: list[bytes] = []

            async def sending(message: Message) -> None:
                nonlocal status, headers
                if message["type"] == "http.response.start":
                    status = message["status"]
                    headers = tuple((name.lower(), value) for name, value in message["headers"])
                else:
                    pieces.append(message.get("body", b""))

            await app(inner, _replayed(asked, receive), sending)
            return Answer(status, headers, b"".join(pieces))

        await handle(await _read(scope, receive), pass_on, send)

    return wrapped


async def _read(scope: Scope, receive: Receive) -> Asked:
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    return Asked(scope["method"], scope["path"], scope["query_string"], tuple(scope["headers"]), body)


def _replayed(asked: Asked, receive: Receive) -> Receive:
    pending = [{"type": "http.request", "body": asked.body, "more_body": False}]

    async def replay() -> Message:
        return pending.pop() if pending else await receive()

    return replay


async def _send(answer: Answer, asked: Asked, send: Send) -> None:
    headers = [pair for pair in answer.headers if pair[0] not in (b"content-length", b"transfer-encoding")]
    bodyless = answer.status in (204, 304)
    if not bodyless and not answer.is_stream:
        headers.append((b"content-length", b"%d" % len(answer.body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if bodyless or asked.method == "HEAD" else answer.body})
