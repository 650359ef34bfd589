"""What a defect is made of at the level of ASGI: a request becomes another one, an answer another one, or an event of a
stream. Streams stay streams, but for those that a defect has to see as a whole.

Knows nothing of what is asked or answered: edits.py does.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from inspect import isawaitable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Header = tuple[bytes, bytes]
Wrap = Callable[[ASGIApp], ASGIApp]


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
        """The body as JSON in UTF-8, None if it is none."""
        try:
            return json.loads(self.body.decode(), parse_constant=_no_constant)
        except (ValueError, RecursionError):
            return None

    @property
    def object(self) -> dict[str, Any]:
        """The JSON object in the body, an empty one if it holds none."""
        found = self.json
        return found if isinstance(found, dict) else {}

    @property
    def streams(self) -> bool:
        return self.object.get("stream") is True

    def header(self, name: str) -> str | None:
        return next((value.decode("latin-1") for key, value in self.headers if key == name.encode()), None)

    def with_header(self, name: str, value: str | None) -> "Asked":
        """With this header only once, or not at all."""
        return replace(self, headers=_with(self.headers, name, value))


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, its length left to the server's framing; the head of one where the body is yet to come."""

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
        return replace(self, headers=_with(self.headers, name, value))

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
Events = Callable[[bytes], bytes]
"""What is sent in the place of each event of one stream, its blank line included."""


def before(app: ASGIApp, act: Act) -> ASGIApp:
    """`act` sees every request first: it answers it, changes it, or lets it through with None."""

    async def handle(asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
        found = act(asked)
        done = await found if isawaitable(found) else found
        if isinstance(done, Answer):
            await _send(done, asked, send)
        else:
            await ask(app, done or asked, scope, receive, send)

    return around(app, handle)


def changed(app: ASGIApp, edit: Edit, *, streams: Callable[[Asked], bool] = lambda asked: True) -> ASGIApp:
    """`edit` makes an answer another one, or leaves it with None. Streams are sent in one piece; those that are not
    wanted are passed on as they come."""

    async def handle(asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
        head, pieces, passing = Answer(500), list[bytes](), False

        async def sending(message: Message) -> None:
            nonlocal head, passing
            if message["type"] == "http.response.start":
                head = _head(message)
                passing = head.is_stream and not streams(asked)
            if passing:
                await send(message)
            else:
                pieces.append(message.get("body", b""))

        await ask(app, asked, scope, receive, sending)
        if not passing:
            answer = replace(head, body=b"".join(pieces))
            await _send(edit(asked, answer) or answer, asked, send)

    return around(app, handle)


def headed(app: ASGIApp, edit: Edit) -> ASGIApp:
    """`edit` makes the head of an answer another one; its body is passed on as it comes."""

    async def handle(asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                head = _head(message)
                head = edit(asked, head) or head
                message = {**message, "status": head.status, "headers": list(head.headers)}
            await send(message)

        await ask(app, asked, scope, receive, sending)

    return around(app, handle)


def each_event(app: ASGIApp, begin: Callable[[Asked], Events | None]) -> ASGIApp:
    """`begin` gives, for each stream, what becomes of its events, [DONE] included; None leaves it as it is. An event is
    sent as soon as it is there."""

    async def handle(asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
        edit: Events | None = None
        rest = b""

        async def sending(message: Message) -> None:
            nonlocal edit, rest
            if message["type"] == "http.response.start":
                edit = begin(asked) if _head(message).is_stream else None
            elif edit is not None:
                *events, rest = (rest + message.get("body", b"")).split(b"\n\n")
                more = message.get("more_body", False)
                last = b"" if more else rest
                message = {**message, "body": b"".join(edit(event + b"\n\n") for event in events) + last}
                if more and not message["body"]:
                    return
            await send(message)

        await ask(app, asked, scope, receive, sending)

    return around(app, handle)


def each_write(app: ASGIApp, edit: Callable[[Asked, bytes], bytes]) -> ASGIApp:
    """`edit` makes every piece of a body another one; for streams, whose events the gateway writes one by one."""

    async def handle(asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [pair for pair in message["headers"] if pair[0].lower() != b"content-length"]
                message = {**message, "headers": headers}
            elif message.get("body"):
                message = {**message, "body": edit(asked, message["body"])}
            await send(message)

        await ask(app, asked, scope, receive, sending)

    return around(app, handle)


def chained(*wraps: Wrap) -> Wrap:
    """All of these around one application, the first of them inside."""

    def wrap(app: ASGIApp) -> ASGIApp:
        for each in wraps:
            app = each(app)
        return app

    return wrap


def _no_constant(name: str) -> None:
    raise ValueError(name)


_numbers = iter(range(1, 10**9))

Handle = Callable[[Asked, Scope, Receive, Send], Awaitable[None]]


def around(app: ASGIApp, handle: Handle) -> ASGIApp:
    """`handle` answers every request, whose body has been read."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        await handle(await _read(scope, receive), scope, receive, send)

    return wrapped


async def ask(app: ASGIApp, asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
    """Passes a request on. Its path as it was written is kept unless a defect gave it another one."""
    raw = scope["raw_path"] if asked.path == scope["path"] and scope.get("raw_path") else asked.path.encode()
    inner = {**scope, "method": asked.method, "path": asked.path, "query_string": asked.query, "raw_path": raw}
    await app(inner | {"headers": list(asked.headers)}, _replayed(asked, receive), send)


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


def _head(message: Message) -> Answer:
    return Answer(message["status"], tuple((name.lower(), value) for name, value in message["headers"]))


def _with(headers: tuple[Header, ...], name: str, value: str | None) -> tuple[Header, ...]:
    kept = tuple(pair for pair in headers if pair[0] != name.encode())
    return kept if value is None else (*kept, (name.encode(), value.encode("latin-1")))


async def _send(answer: Answer, asked: Asked, send: Send) -> None:
    headers = [pair for pair in answer.headers if pair[0] not in (b"content-length", b"transfer-encoding")]
    bodyless = answer.status in (204, 304)
    if not bodyless and not answer.is_stream:
        headers.append((b"content-length", b"%d" % len(answer.body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if bodyless or asked.method == "HEAD" else answer.body})
