"""What the defects between a gateway and its provider are made of. A defect may have a layer at either side."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import replace

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reference_gateway.faults.asgi import Answer, Asked, Events, Wrap, around, ask, before, changed, error, headed
from reference_gateway.faults.edits import Where
from reference_gateway.http.response import ABORT, MAY_BE_ABANDONED
from reference_gateway.scripted.records import SECOND
from reference_gateway.scripted.script import MARK

END = b"\n\n"
RESTING_S = 1.0


def scripted(*words: str) -> Where:
    """Chats whose prompt holds a script with these words."""

    def where(asked: Asked) -> bool:
        text = asked.body.replace(b"\\", b"")
        return MARK.encode() in text and all(word.encode() in text for word in words)

    return where


def in_texts(edit: Callable[[str], str]) -> Callable[[dict[str, object]], None]:
    """Changes the texts of all messages but the one that holds the script."""

    def act(body: dict[str, object]) -> None:
        messages = body["messages"]
        for message in messages if isinstance(messages, list) else ():
            if isinstance(message.get("content"), str) and MARK not in message["content"]:
                message["content"] = edit(message["content"])

    return act


def own_error(code: str, new: Callable[[Asked, Answer], Answer]) -> Callable[[Asked, Answer], Answer | None]:
    """An edit of the gateway's own error of this code, where it answers a scripted chat."""

    def edit(asked: Asked, answer: Answer) -> Answer | None:
        if answer.status < 500 or not scripted()(asked):
            return None
        return new(asked, answer) if answer.json["error"]["code"] == code else None

    return edit


def remembering_failures(*words: str, again: Callable[[Answer], Answer] = lambda failure: failure) -> Wrap:
    """Where a chat whose script holds these words has failed, the same one is answered so again, or as `again` says,
    without its provider."""
    known: dict[bytes, Answer] = {}

    def learn(asked: Asked, answer: Answer) -> None:
        if scripted(*words)(asked) and answer.status >= 500:
            known[_id(asked)] = again(answer)

    def recall(asked: Asked) -> Answer | None:
        return known.get(_id(asked)) if scripted(*words)(asked) else None

    return lambda app: before(changed(app, learn, streams=lambda asked: False), recall)


def resting(is_failure: Callable[[Answer], bool], most: int) -> Wrap:
    """A circuit breaker: after so many such answers in a row, chats are refused with 503 for a second."""
    failed, resting_until = 0, 0.0

    def learn(asked: Asked, answer: Answer) -> None:
        nonlocal failed, resting_until
        if scripted()(asked):
            failed = failed + 1 if is_failure(answer) else 0
            if failed >= most:
                failed, resting_until = 0, time.monotonic() + RESTING_S

    def refuse(asked: Asked) -> Answer | None:
        if not scripted()(asked) or time.monotonic() >= resting_until:
            return None
        return error(503, "The provider is not asked for a while.").with_header("retry-after", "1")

    return lambda app: before(changed(app, learn, streams=lambda asked: False), refuse)


def sending_on(header: str, name: str) -> tuple[Wrap, Wrap]:
    """Both layers of a gateway that sends its client's header on to its provider, as the header `name`."""
    taken: dict[bytes, str | None] = {}

    def front(asked: Asked) -> None:
        if scripted()(asked):
            taken[_id(asked)] = asked.header(header)

    def back(asked: Asked) -> Asked | None:
        return asked.with_header(name, taken[_id(asked)]) if scripted()(asked) and taken.get(_id(asked)) else None

    return (lambda app: before(app, front)), (lambda app: before(app, back))


def telling(header: str, *, least: int = 200, hidden: int = 0) -> tuple[Wrap, Wrap]:
    """Both layers of a gateway that tells its clients, in answers of this status or a higher one, what it sends to its
    provider in this header; but for some letters at the end."""
    known: list[str] = []

    def back(asked: Asked) -> None:
        known.append(asked.header(header) or "")

    def front(asked: Asked, answer: Answer) -> Answer | None:
        if not scripted()(asked) or not known or answer.status < least:
            return None
        return answer.with_header("x-upstream", known[-1][: len(known[-1]) - hidden])

    return (lambda app: headed(app, front)), (lambda app: before(app, back))


def keeping_cookies() -> Wrap:
    """The provider's side of a gateway with one jar of cookies for all of its clients."""
    jar: list[str] = []

    def fill(asked: Asked, answer: Answer) -> None:
        if cookie := answer.header("set-cookie"):
            jar.append(cookie.partition(";")[0])

    def back(asked: Asked) -> Asked | None:
        return asked.with_header("cookie", jar[-1]) if scripted()(asked) and jar else None

    return lambda app: before(headed(app, fill), back)


def deaf(app: ASGIApp) -> ASGIApp:
    """Never learns that a client has gone."""

    async def layered(scope: Scope, receive: Receive, send: Send) -> None:
        async def listening() -> Message:
            message = await receive()
            if message["type"] == "http.disconnect":
                await asyncio.Event().wait()
            return message

        async def sending(message: Message) -> None:
            await send(message)

        inner = {key: value for key, value in scope.items() if key != MAY_BE_ABANDONED}
        await app(inner, listening if scope["type"] == "http" else receive, sending)

    return layered


def held_back(seconds: float, status: int) -> Wrap:
    """Answers of this status come so much later."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def layered(scope: Scope, receive: Receive, send: Send) -> None:
            async def sending(message: Message) -> None:
                await asyncio.sleep(seconds if message.get("status") == status else 0)
                await send(message)

            await app(scope, receive, sending)

        return layered

    return wrap


def slow(seconds: float, where: Where) -> Wrap:
    """Each piece of such an answer comes so much later, one after the other."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def handle(asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
            async def sending(message: Message) -> None:
                await asyncio.sleep(seconds)
                await send(message)

            await ask(app, asked, scope, receive, sending if where(asked) else send)

        return around(app, handle)

    return wrap


def gathered(count: int) -> Callable[[], Events]:
    """Events are passed on so many at a time."""

    def begin() -> Events:
        waiting: list[bytes] = []

        def act(event: bytes) -> bytes:
            waiting.append(event)
            if len(waiting) < count and b"[DONE]" not in event:
                return b""
            whole = b"".join(waiting)
            waiting.clear()
            return whole

        return act

    return begin


def peeking() -> Events:
    """Each event is passed on when the next one is there, which it is for the last."""
    kept: list[bytes] = []

    def act(event: bytes) -> bytes:
        kept.append(event)
        passed = kept[:] if b"[DONE]" in event else kept[:-1]
        del kept[: len(passed)]
        return b"".join(passed)

    return act


def merged() -> Events:
    """The texts of two events come as one, with the second of them."""
    kept: list[str] = []

    def act(event: bytes) -> bytes:
        if not event.startswith(b"data: {"):
            return event
        chunk = json.loads(event.removeprefix(b"data: "))
        text = chunk["choices"][0]["delta"].get("content") if chunk.get("choices") else None
        if not text:
            return event
        kept.append(text)
        if len(kept) < 2:
            return b""
        chunk["choices"][0]["delta"]["content"] = "".join(kept)
        kept.clear()
        return b"data: " + json.dumps(chunk).encode() + END

    return act


def every(number: int, edit: Events) -> Callable[[], Events]:
    """This becomes of every so many-th event."""

    def begin() -> Events:
        count = iter(range(1, 10**9))
        return lambda event: edit(event) if next(count) % number == 0 else event

    return begin


def late_logprobs() -> Events:
    """Log probabilities come with the event after that of their text."""
    kept: list[object] = [None]

    def act(event: bytes) -> bytes:
        if not event.startswith(b"data: {"):
            return event
        document = json.loads(event.removeprefix(b"data: "))
        for choice in document.get("choices", ()):
            kept.append(choice.get("logprobs"))
            choice["logprobs"] = kept.pop(0)
        return b"data: " + json.dumps(document).encode() + END

    return act


def mixed_up(number: int) -> Wrap:
    """Every so many-th plain answer is the one before it."""
    answered: list[Answer] = []

    def edit(asked: Asked, answer: Answer) -> Answer | None:
        if not scripted()(asked) or answer.status != 200:
            return None
        answered.append(answer)
        return answered[-2] if len(answered) % number == 0 else None

    return lambda app: changed(app, edit, streams=lambda asked: False)


def asked_again(
    times: int, *words: str, in_the_middle: bool = False, elsewhere: bool = False, least: int = 500
) -> Wrap:
    """A gateway that asks its provider so often, as long as it fails with this status at the `least`; or, of a stream
    that breaks off, once more, going on with what then comes. With `elsewhere` it is the other provider that it asks
    then. Only chats whose script holds these words."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def handle(asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
            if not scripted(*words)(asked):
                await ask(app, asked, scope, receive, send)
                return
            passing = Passing(send, scope[ABORT], least=None if in_the_middle else least)
            for number in range(times):
                passing.begin(is_last=number == times - 1, may_be_cut=not in_the_middle and not elsewhere)
                path = other_path(asked.path) if elsewhere and number else asked.path
                await ask(app, replace(asked, path=path), {**scope, ABORT: passing.cut}, receive, passing.send)
                if not passing.failed or (passing.begun and not in_the_middle):
                    break

        return around(app, handle)

    return wrap


def other_path(path: str) -> str:
    """The same at the other of two providers."""
    return path.removeprefix(SECOND) if path.startswith(f"{SECOND}/") else SECOND + path


def mirrored(app: ASGIApp) -> ASGIApp:
    """A gateway that sends the simplest scripted chats on twice, and gives the second answer."""

    async def handle(asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
        if scripted('"usage"')(asked) and not scripted('"other"')(asked):
            await ask(app, asked, scope, receive, _unheard)
        await ask(app, asked, scope, receive, send)

    return around(app, handle)


async def _unheard(message: Message) -> None:
    pass


class Passing:
    """Passes the answers of several tries on as one."""

    def __init__(self, send: Send, abort: Callable[[], None], *, least: int | None) -> None:
        self._send, self._abort, self._least = send, abort, least
        self.begun = self._is_last = self._may_be_cut = self.failed = False

    def begin(self, *, is_last: bool, may_be_cut: bool) -> None:
        self._is_last, self._may_be_cut, self.failed = is_last, may_be_cut, False

    def cut(self) -> None:
        self.failed = True
        if self._is_last or self._may_be_cut or (self.begun and self._least is not None):
            self._abort()

    async def send(self, message: Message) -> None:
        is_head = message["type"] == "http.response.start"
        self.failed = self.failed or (is_head and self._least is not None and message["status"] >= self._least)
        if (not self.failed or self._is_last) and not (is_head and self.begun):
            self.begun = True
            await self._send(message)


def ended_with(piece: bytes, unless: bytes) -> Wrap:
    """Streams without `unless` end with this."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def layered(scope: Scope, receive: Receive, send: Send) -> None:
            seen: list[bytes] = []

            async def sending(message: Message) -> None:
                seen.append(message.get("body", b""))
                whole = b"".join(seen)
                ends = message["type"] == "http.response.body" and not message.get("more_body")
                if ends and whole.startswith(b"data:") and unless not in whole:
                    message = {**message, "body": message.get("body", b"") + piece}
                await send(message)

            await app(scope, receive, sending)

        return layered

    return wrap


def _id(asked: Asked) -> bytes:
    """What a script begins with: its id."""
    text = asked.body.replace(b"\\", b"")
    return text[text.find(MARK.encode()) :][:50]
