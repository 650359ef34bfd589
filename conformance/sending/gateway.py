"""What a probe sends with: requests to one target, each identical one sent once, with the dialect's words filled in."""

import asyncio
import itertools
import json as jsonlib
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, Protocol
from urllib.parse import quote

from conformance.exchange import BUSY, Exchange, Headers, Request
from conformance.profiles import Profile
from conformance.sending.cost import Budget
from conformance.sending.manners import Manner
from conformance.sending.presence import Presence
from conformance.sending.slots import Patience, Slots, spread_s, wait_s
from conformance.sending.wire import meant, raw_request
from conformance.target import Target

TOKEN_CAP = 16
FINDING_NOBODY = 3
"""How often a request is sent that found nobody where somebody was before."""
AT_ONCE = -1
"""The rank of what is sent again: before all others."""
NOWHERE = "/gateproof-no-such-endpoint"
ABSENT = object()
"""As a field of a body: leave this key out."""

current_label: ContextVar[str] = ContextVar("current_label", default="preflight")
current_rank: ContextVar[int] = ContextVar("current_rank", default=0)
"""Set for each probe: the name that its exchanges carry, and how early it began."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found out about the target before judging.

    `token_key` is the body key that caps the answer's length. `model_chosen` tells where `model` comes from: "given" by
    the user, "listed" (the first listed one that answered), or "none" when no model could be found.
    """

    model: str = ""
    model_chosen: str = "none"
    token_key: str = "max_completion_tokens"
    listed: tuple[str, ...] = ()
    workspace: str = ""


class Sender(Protocol):
    """What puts a request on the wire and records what comes back: a Wire, or a rehearsal of one."""

    async def send(self, id: str, label: str, request: Request) -> Exchange: ...

    async def raw(self, id: str, label: str, origin: str, data: list[bytes], expect: list[str]) -> list[Exchange]: ...

    async def badly(self, id: str, label: str, request: Request, manner: Manner) -> Exchange: ...


class Gateway:
    """One target, ready to be asked. Probes get nothing else.

    Equal requests are sent once and share one Exchange, unless `repeat` (a number or a word) tells them apart. 429
    and 503 are obeyed (Retry-After) before an answer counts. `on_exchange` is called with each finished exchange.
    """

    def __init__(
        self,
        wire: Sender,
        target: Target,
        profile: Profile,
        *,
        concurrency: int = 16,
        budget: Budget | None = None,
        on_exchange: Callable[[Exchange], None] | None = None,
    ) -> None:
        self.target = target
        self.profile = profile
        self.facts = Facts()
        self.exchanges: list[Exchange] = []
        self.behind: list[Exchange] = []
        """What was asked with a script for the provider, and what that kept of it: nothing for the rules that hold for
        every answer, as the provider may have been told to fail."""
        self.streams = False
        """Whether all chats are to be streamed: that of the view that `streaming` gives."""
        self._wire = wire
        self._slots = Slots(concurrency)
        self._patience = Patience(self._slots)
        self._sent: dict[tuple[Any, ...], asyncio.Task[Exchange]] = {}
        self._numbers = itertools.count(1)
        self.budget = budget or Budget()
        self._presence = Presence()
        self._on_exchange = on_exchange or (lambda exchange: None)
        self._key_refresh: asyncio.Task[Target] | None = None

    # What is sent

    async def get(self, path: str, **options: Any) -> Exchange:
        return await self.send("GET", path, **options)

    async def post(self, path: str, json: Any = ABSENT, **options: Any) -> Exchange:
        return await self.send("POST", path, json=json, **options)

    async def chat(self, options: Mapping[str, Any] | None = None, **fields: Any) -> Exchange:
        """The smallest chat with these fields added, replaced, or left out (ABSENT)."""
        if not self.streams:
            return await self._chat(options, fields)
        counted = await self._chat(options, {"stream": True, "stream_options": {"include_usage": True}} | fields)
        if counted.status in (400, 422) and "stream_options" not in fields:
            return await self._chat(options, {"stream": True} | fields)
        return counted

    async def _chat(self, options: Mapping[str, Any] | None, fields: dict[str, Any]) -> Exchange:
        return await self.post("/chat/completions", self.chat_body(**fields), **(options or {}))

    async def stream(self, options: Mapping[str, Any] | None = None, **fields: Any) -> Exchange:
        return await self.chat(options, stream=True, **fields)

    def streaming(self) -> "Gateway":
        """The same gateway, all of whose chats are streamed, with usage where that is offered."""
        view = copy(self)
        view.streams = True
        return view

    def chat_body(self, **fields: Any) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.facts.model,
            "messages": [user("Reply with the word OK.")],
            self.facts.token_key: TOKEN_CAP,
        }
        if "cap" in fields:
            body[self.facts.token_key] = fields.pop("cap")
        body |= fields
        return {key: value for key, value in body.items() if value is not ABSENT}

    def unknown_model(self) -> str:
        """A well-formed model id that no gateway serves, different on every call."""
        return self.profile.expect.unknown_model.format(
            nonce=secrets.token_hex(6), workspace=self.facts.workspace or "default"
        )

    def path(self, name: str, **words: str) -> str:
        """The path from the origin of a route that the profile names, with these words filled in."""
        return self.filled(self.profile.paths[name], **words)

    def filled(self, template: str, **words: str) -> str:
        """A path of the profile from the origin. What stands before its base path here, as behind a proxy, stands
        before this one, too."""
        workspace = self.facts.workspace
        base = self.target.base_url.removeprefix(self.target.origin)
        usual = self.profile.base_path.format(workspace=workspace)
        before = base.removesuffix(usual) if base.endswith(usual) else ""
        quoted = {key: segment(word) for key, word in ({"workspace": workspace} | words).items()}
        return before + template.format(**quoted)

    async def nowhere(self) -> Exchange:
        """A chat that is sent to a path which can't exist."""
        return await self.post(NOWHERE, self.chat_body())

    # How it is sent

    async def send(
        self,
        method: str,
        path: str,
        *,
        json: Any = ABSENT,
        body: bytes | None = None,
        headers: Mapping[str, str | None] | None = None,
        key: str | None | object = ABSENT,
        authorization: list[str] | None = None,
        from_origin: bool = False,
        repeat: int | str = 0,
        obey: bool = True,
        case: str = "",
    ) -> Exchange:
        """Sends one request and returns its exchange.

        `path` is below the base URL (below the origin if `from_origin`) and sent as it stands. `json` or `body` is the
        body. `headers` replace the default ones, None removes one. `key` replaces the target's own (None = no
        credentials), `authorization` the whole header lines. `case` labels the exchange within its probe.
        """
        content = body if body is not None else b"" if json is ABSENT else encode(json)
        url = (self.target.origin if from_origin else self.target.base_url) + path
        own_key = key is ABSENT and authorization is None
        label, rank = current_label.get() + (f"[{case}]" if case else ""), current_rank.get()

        async def go() -> Exchange:
            return await self._obeying(
                label,
                lambda: Request(method, url, self._headers(bool(content), headers, key, authorization), content),
                rank=rank,
                own_key=own_key,
                obey=obey,
            )

        given = tuple(sorted((headers or {}).items(), key=repr))
        identity = (method, url, content, given, key, tuple(authorization or ()), repeat, obey)
        if identity not in self._sent:
            self._sent[identity] = asyncio.ensure_future(go())
        return await asyncio.shield(self._sent[identity])

    async def quiet(self) -> None:
        """Waits until nothing else is in flight, so that the next answer's time is its own."""
        while busy := [task for task in self._sent.values() if not task.done()]:
            await asyncio.wait(busy)
            await asyncio.sleep(0)

    async def raw(self, pieces: list[bytes], methods: list[str]) -> list[Exchange]:
        """Writes these bytes on one connection of its own and reads an answer to each piece (see Wire.raw)."""
        asked = [meant(method, self.target.origin, piece) for method, piece in zip(methods, pieces, strict=True)]
        label, url = current_label.get(), self.target.base_url
        return await self._once_more(asked, lambda id: self._wire.raw(id, label, url, pieces, methods))

    async def badly(self, manner: Manner, path: str, json: Any, *, case: str = "") -> Exchange:
        """Posts this on a connection of its own and reads the answer in this manner (see Manner). Never shared."""
        asked = Request("POST", self.target.base_url + path, self._headers(True, None, ABSENT, None), encode(json))
        label = current_label.get() + (f"[{case}]" if case else "")

        async def go(id: str) -> list[Exchange]:
            return [await self._wire.badly(id, label, asked, manner)]

        return (await self._once_more([asked], go))[0]

    async def scripted(
        self,
        body: Mapping[str, Any],
        *,
        case: str,
        path: str = "/chat/completions",
        manner: Manner | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Exchange:
        """Sends one request whose prompt holds a script for the provider, once, and takes any answer for the answer."""
        asked = Request("POST", self.target.base_url + path, self._headers(True, headers, ABSENT, None), encode(body))
        label = f"{current_label.get()}[{case}]"
        async with self._slots.held(current_rank.get()):
            self._admit(asked)
            id = f"x{next(self._numbers)}"
            sending = self._wire.badly(id, label, asked, manner) if manner else self._wire.send(id, label, asked)
            return self._set_apart(await sending, asked)

    async def kept(self, path: str, *, case: str) -> Exchange:
        """What the scripted provider has kept, read from itself."""
        origin = (self.target.upstream or "").removesuffix("/v1")
        headers = (("Accept", "application/json"), ("Authorization", f"Bearer {self.target.upstream_key}"))
        asked = Request("GET", origin + path, headers)
        self._admit(asked)
        exchange = await self._wire.send(f"x{next(self._numbers)}", f"{current_label.get()}[{case}, kept]", asked)
        return self._set_apart(exchange, asked)

    def _set_apart(self, exchange: Exchange, asked: Request) -> Exchange:
        self.budget.settle(exchange, asked)
        self.behind.append(exchange)
        self._on_exchange(exchange)
        return exchange

    def as_bytes(self, method: str, path: str, body: bytes = b"", extra: Headers = ()) -> bytes:
        """The bytes of an ordinary request, for `raw`."""
        headers = [("Host", self.target.origin.split("//")[1]), *self._headers(bool(body), None, ABSENT, None)]
        if body and not any(name.lower() in ("content-length", "transfer-encoding") for name, _ in extra):
            headers.append(("Content-Length", str(len(body))))
        return raw_request(method, self.target.base_url + path, [*headers, *extra], body)

    async def _obeying(
        self, label: str, request: Callable[[], Request], *, rank: int, own_key: bool, obey: bool
    ) -> Exchange:
        for attempt in itertools.count(1):
            async with self._slots.held(rank if attempt == 1 else AT_ONCE) as turn:
                asked = request()
                self._admit(asked)
                sent = await self._wire.send(f"x{next(self._numbers)}", label, asked)
                again = obey and self._patience.will_repeat(sent, attempt, turn)
                exchange = replace(sent, attempt=attempt, repeated=again)
                self._note(exchange, asked)
            if again:
                await asyncio.sleep(self._wait_s(exchange, attempt))
            elif attempt < FINDING_NOBODY and self._presence.is_doubtful(exchange):
                await asyncio.sleep(wait_s(None, attempt))
            elif exchange.status == 401 and own_key and self.target.api_key_command and attempt == 1:
                await self._refresh_key()
            else:
                break
        return exchange

    async def _once_more(
        self, asked: list[Request], send: Callable[[str], Awaitable[list[Exchange]]]
    ) -> list[Exchange]:
        """What is sent on a connection of its own, sent anew as a whole where it is throttled on the way."""
        for attempt in itertools.count(1):
            async with self._slots.held(current_rank.get() if attempt == 1 else AT_ONCE) as turn:
                for request in asked:
                    self._admit(request)
                sent = await send(f"x{next(self._numbers)}")
                last = next(filter(_is_throttled, sent), None)
                again = last is not None and self._patience.will_repeat(last, attempt, turn)
                exchanges = [replace(exchange, attempt=attempt, repeated=again) for exchange in sent]
                for request, exchange in zip(asked, exchanges, strict=False):
                    self._note(exchange, request)
            if last is None or not again:
                break
            await asyncio.sleep(self._wait_s(last, attempt))
        return exchanges

    def _wait_s(self, busy: Exchange, attempt: int) -> float:
        """No longer than the run lasts."""
        wait = spread_s(wait_s(busy.header("retry-after"), attempt))
        return min(wait, self.budget.ends_at - asyncio.get_running_loop().time())

    async def _refresh_key(self) -> None:
        if self._key_refresh is None:
            self._key_refresh = asyncio.ensure_future(asyncio.to_thread(self.target.with_fresh_key))
        self.target = await asyncio.shield(self._key_refresh)

    def _admit(self, asked: Request) -> None:
        """Raises Unusable for a request that is not sent, as there is no time or no gateway left."""
        if self._presence.lost:
            raise self._presence.lost
        self.budget.admit(asked)

    def _note(self, exchange: Exchange, asked: Request) -> None:
        """Raises Unusable for one that was cut as the run's time was over, or that found no gateway any more."""
        self.budget.settle(exchange, asked)
        self.exchanges.append(exchange)
        self._on_exchange(exchange)
        if exchange.abandoned and self.budget.is_over:
            raise self.budget.time_is_over
        self._presence.note(exchange)
        if self._presence.lost and exchange.response is None:
            raise self._presence.lost

    def _headers(
        self,
        has_body: bool,
        changes: Mapping[str, str | None] | None,
        key: str | None | object,
        authorization: list[str] | None,
    ) -> Headers:
        headers: dict[str, str | None] = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "gateproof",
        }
        if has_body:
            headers["Content-Type"] = "application/json"
        headers |= dict(self.target.headers)
        used = self.target.api_key if key is ABSENT else key
        if key is not ABSENT or authorization is not None:
            headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
        if authorization is None and isinstance(used, str):
            headers["Authorization"] = f"Bearer {used}"
        headers |= changes or {}
        lines = [(name, value) for name, value in headers.items() if value is not None]
        return (*lines, *(("Authorization", value) for value in authorization or []))


async def together(cases: Mapping[str, Awaitable[Exchange]]) -> dict[str, Exchange]:
    """Sends all of these at once; the exchanges by the same names."""
    return dict(zip(cases, await asyncio.gather(*cases.values()), strict=True))


def segment(text: str, safe: str = "") -> str:
    """A text as one segment of a path; half a surrogate pair, which a gateway may well list, as its three bytes."""
    return quote(text, safe=safe, errors="surrogatepass")


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def encode(value: Any) -> bytes:
    return jsonlib.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _is_throttled(exchange: Exchange) -> bool:
    """As odd requests can be refused for good with 503, only where it says when to come back."""
    return exchange.status == 429 or (exchange.status in BUSY and exchange.header("retry-after") is not None)
