"""The proxy to one OpenAI-compatible provider: its answers passed on, its failures told honestly."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx

from reference_gateway.backends.upstream import errors
from reference_gateway.backends.upstream.mending import Mending, mended
from reference_gateway.backends.upstream.sse import Event, EventReader
from reference_gateway.call import BackendError, Call, Endpoint, Json

_LONGEST_ERROR = 65_536
"""Bytes of an error body that are read."""
_DRAIN_S = 0.05
"""How long the end of a finished stream is waited for, so that its connection can be used again."""
_LINGER_S = 2.0
"""How long a stream that is finished but not ended is waited for."""
_KEEPALIVE_S = 2.5
"""Idle connections are dropped before the usual server does it (5 s), lest a request meets the closing."""


class Upstream:
    """A backend that asks a provider at `base_url` (its `/v1`, say), with the provider's own `api_key` and `headers`.

    An answer takes at most `timeout_s`; a stream may last longer, but falls silent no longer than that. Nothing is
    sent twice. Nothing of the client's request but its body is passed on.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 60,
        connect_timeout_s: float = 5,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._timeout_s = timeout_s
        self._in_flight, self._closing = 0, False
        own = {"content-type": "application/json", "accept-encoding": "identity", "user-agent": "gateproof"}
        if api_key is not None:
            own["authorization"] = f"Bearer {api_key}"
        self._client = httpx.AsyncClient(
            headers={**own, **{name.lower(): value for name, value in (headers or {}).items()}},
            timeout=httpx.Timeout(timeout_s, connect=connect_timeout_s, pool=None),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=1000, keepalive_expiry=_KEEPALIVE_S),
            trust_env=False,
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # one client's would be every client's
        )
        url = httpx.URL(self._base_url)
        host = [f"{url.host}:{url.port}", url.host]
        self._redactor = errors.Redactor([self._base_url, *host, api_key or "", *(headers or {}).values()])

    async def answer(self, call: Call) -> Json:
        """The provider's answer with the client's model name in it. Raises BackendError."""
        try:
            async with asyncio.timeout(self._timeout_s), self._response(call, "application/json") as response:
                body = await response.aread()
        except TimeoutError:
            raise errors.timed_out() from None
        answer = self._object(body, call)
        if not isinstance(answer.get("data" if call.endpoint is Endpoint.EMBEDDINGS else "choices"), list):
            raise errors.invalid("its members are missing")
        answer["model"] = call.body["model"]
        return mended(answer)

    async def stream(self, call: Call) -> AsyncIterator[Json]:
        """The provider's chunks, each as soon as it is whole, with the client's model name in it.

        Raises BackendError, also after chunks: an error event, a chunk that is none, or an end before the answer's.
        Closing the iterator closes the provider's connection.
        """
        progress, mending = _Progress(), Mending()
        async with self._response(call, "text/event-stream") as response:
            if response.headers.get("content-type", "").partition(";")[0].strip().lower() in _NO_STREAM:
                self._object(await response.aread(), call)
                raise errors.invalid("it is no event stream")
            reader = EventReader()
            pieces = response.aiter_bytes()
            while (piece := await _next_piece(pieces, progress)) is not None:
                for event in reader.feed(piece):
                    if event.data.strip() == b"[DONE]":
                        progress.check_end()
                        await _drain(pieces)
                        return
                    chunk = self._chunk(event, call)
                    if chunk is not None and (sound := mending.chunk(chunk)) is not None:
                        progress.see(sound)
                        yield sound
            progress.check_end()

    async def close(self) -> None:
        """Takes no more calls, and closes the connections to the provider once those on their way have ended."""
        self._closing = True
        if not self._in_flight:
            await self._client.aclose()

    @asynccontextmanager
    async def _response(self, call: Call, accept: str) -> AsyncIterator[httpx.Response]:
        """The provider's response once it is a success; httpx's errors, also while it is read, as BackendError."""
        content = _encode({**call.body, "model": call.served_model})
        url = f"{self._base_url}/{call.endpoint.value}"
        if self._closing:
            raise errors.unreachable()
        self._in_flight += 1
        try:
            async with self._client.stream("POST", url, content=content, headers={"accept": accept}) as response:
                if not response.is_success:
                    body = await _beginning(response)
                    raise errors.from_status(response.status_code, response.headers, body, self._redactor, _names(call))
                yield response
        except httpx.ConnectTimeout:
            raise errors.timed_out(was_sent=False) from None
        except httpx.TimeoutException:
            raise errors.timed_out() from None
        except httpx.ConnectError:
            raise errors.unreachable() from None
        except (httpx.RemoteProtocolError, httpx.DecodingError):
            raise errors.invalid("it is broken HTTP, or ended too early") from None
        except httpx.HTTPError:
            raise BackendError(502, "The connection to the provider broke.", code="upstream_unreachable") from None
        finally:
            self._in_flight -= 1
            if self._closing and not self._in_flight:
                await self._client.aclose()

    def _chunk(self, event: Event, call: Call) -> Json | None:
        """The chunk in an event; None for an event that says nothing."""
        if not event.data.strip():
            return None
        chunk = self._object(event.data, call)
        if event.name == "error":
            raise errors.from_error(chunk, self._redactor, _names(call))
        if not chunk:
            return None
        chunk["model"] = call.body["model"]
        return chunk

    def _object(self, text: bytes, call: Call) -> Json:
        """The JSON object in `text`. Raises BackendError if it is none, or if it tells of an error."""
        try:
            found: Any = json.loads(text.decode(), parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise errors.invalid("it is not JSON") from None
        if not isinstance(found, dict):
            raise errors.invalid("it is not a JSON object")
        if found.get("error"):
            raise errors.from_error(found["error"], self._redactor, _names(call))
        return found


class _Progress:
    """How far the choices of a stream have come."""

    __slots__ = ("_finished", "_open")

    def __init__(self) -> None:
        self._open: set[Any] = set()
        self._finished: set[Any] = set()

    @property
    def finished(self) -> bool:
        """Whether every choice seen has its finish_reason, and there was one."""
        return bool(self._finished) and not self._open

    def see(self, chunk: Json) -> None:
        choices = chunk.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if not isinstance(choice, dict):
                continue
            index = str(choice.get("index"))
            if choice.get("finish_reason"):
                self._open.discard(index)
                self._finished.add(index)
            elif index not in self._finished:
                self._open.add(index)

    def check_end(self) -> None:
        """Raises BackendError if the stream may not end here."""
        if not self.finished:
            raise errors.invalid("the stream ended before the answer did")


_NO_STREAM = frozenset(("application/json", "text/html"))
"""Media types of answers that are certainly no event stream."""


def _names(call: Call) -> dict[str, str]:
    return {call.served_model: str(call.body["model"])}


def _encode(body: Json) -> bytes:
    """The body as JSON in UTF-8; escaped if it holds half a surrogate pair, which UTF-8 can't say."""
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(body, separators=(",", ":")).encode()


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


async def _beginning(response: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) >= _LONGEST_ERROR:
            break
    return bytes(body)


async def _next_piece(pieces: AsyncIterator[bytes], progress: _Progress) -> bytes | None:
    """The next bytes of a stream; None at its end, and where only the [DONE] of a finished answer can be missing."""
    if not progress.finished:
        return await anext(pieces, None)
    try:
        async with asyncio.timeout(_LINGER_S):
            return await anext(pieces, None)
    except (TimeoutError, httpx.TransportError):
        return None


async def _drain(pieces: AsyncIterator[bytes]) -> None:
    """Reads what follows the end, for a moment."""
    try:
        async with asyncio.timeout(_DRAIN_S):
            async for _ in pieces:
                pass
    except (TimeoutError, httpx.HTTPError):
        pass
