"""The record of one request and what came back: bytes, headers, the time of every read. Imports no HTTP client.

Everything that is judged is read off an Exchange, so a run can be judged again without a gateway.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any
from urllib.parse import unquote, urlsplit

from conformance import decoding, sse
from conformance.decoding import PastBound

Headers = tuple[tuple[str, str], ...]
BUSY = (429, 503)
"""What says: come back later."""


class Blame(StrEnum):
    """Who is at fault for what could not be had, as far as it can be known."""

    GATEWAY = "gateway"
    MODEL = "model"
    """The model behind it."""
    NETWORK = "network"
    """What lies between us and it."""
    SUITE = "suite"
    """Ourselves: a fault, or a bound that we have set."""


class Unusable(Exception):
    """An answer is not what a judgement needs to begin at all; the requirement is then untestable, not broken."""

    def __init__(self, *args: object, blame: Blame = Blame.GATEWAY) -> None:
        super().__init__(*args)
        self.blame = blame


@dataclass(frozen=True, slots=True)
class Request:
    """What was sent. `url` is absolute; `body` is what went over the wire."""

    method: str
    url: str
    headers: Headers = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """What came back. `reads` are (seconds after the request was sent, bytes of the body) in order of arrival,
    after transfer coding and before content coding; the stamp is that of the socket read."""

    status: int
    headers: Headers
    reads: tuple[tuple[float, bytes], ...] = ()
    http_version: str = "HTTP/1.1"
    headers_s: float = 0.0

    @property
    def body(self) -> bytes:
        return b"".join(data for _, data in self.reads)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an exchange did not end as HTTP says: `kind` is one of connect, tls, timeout, protocol, closed, request (it
    can't be sent), too-large (it was cut), or abandoned, where it was us who left."""

    kind: str
    message: str

    @property
    def blame(self) -> Blame:
        """Who ended it, as far as can be seen from here."""
        if self.kind in ("too-large", "abandoned", "request"):
            return Blame.SUITE
        return Blame.NETWORK if self.kind in ("connect", "tls") else Blame.GATEWAY


@dataclass(frozen=True)
class Exchange:
    """One request, its response as far as it came, and the failure that ended it early, if any.

    `id` names it in the report; `label` says which probe sent it and for which case.
    `started_at` is Unix time, `duration_s` runs from the request's first byte to the response's last.
    `late_s` of it this process was kept from running, so that what came then was read late.
    `attempt` is how often the request has been sent. One that was `repeated`, as its answer was 429 or 503 and said to
    come back, is not the answer to it: a later exchange is.
    """

    id: str
    label: str
    request: Request
    response: Response | None = None
    failure: Failure | None = None
    started_at: float = 0.0
    duration_s: float = 0.0
    late_s: float = 0.0
    attempt: int = 1
    repeated: bool = False

    @property
    def status(self) -> int:
        """The HTTP status; 0 when there was no answer at all, so that no set of statuses contains it."""
        return self.response.status if self.response else 0

    @property
    def took_s(self) -> float:
        """Its duration without the time in which this process did not run."""
        return max(0.0, self.duration_s - self.late_s)

    @property
    def given_up(self) -> bool:
        """Whether it was still 429 or 503 after as many attempts as are made."""
        return self.status in BUSY and self.attempt > 1 and not self.repeated

    @property
    def complete(self) -> bool:
        return self.response is not None and self.failure is None

    @property
    def abandoned(self) -> bool:
        """Whether we went away before its end: what came says nothing of how it would have gone on."""
        return self.failure is not None and self.failure.kind == "abandoned"

    @property
    def ok(self) -> bool:
        """A whole answer with a 2xx status."""
        return self.complete and 200 <= self.status < 300

    @property
    def headers(self) -> Headers:
        return self.response.headers if self.response else ()

    def header(self, name: str) -> str | None:
        """The first value of a response header, or None."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def header_values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @cached_property
    def sent(self) -> dict[str, Any]:
        """The JSON object that was sent, compressed or not; an empty one if it was something else."""
        try:
            text = decoding.decoded(self.request.body, self.sent_header("content-encoding") or "identity")
            body = json.loads(text or b"null")
        except (ValueError, RecursionError, PastBound):
            return {}
        return body if isinstance(body, dict) else {}

    def sent_header(self, name: str) -> str | None:
        return next((value for key, value in self.request.headers if key.lower() == name.lower()), None)

    @property
    def media_type(self) -> str:
        """The Content-Type without its parameters, in lower case; "" without one."""
        return (self.header("content-type") or "").split(";")[0].strip().lower()

    @cached_property
    def content(self) -> bytes:
        """The body after content decoding (gzip, deflate). Raises Unusable if it can't be decoded."""
        body = self.response.body if self.response else b""
        try:
            return decoding.decoded(body, self._coding)
        except PastBound as bound:
            raise self._past(bound) from None
        except ValueError as error:
            raise Unusable(f"the body can't be decoded as its Content-Encoding says: {error}") from None

    @property
    def _coding(self) -> str:
        return (self.header("content-encoding") or "identity").strip().lower()

    def _past(self, bound: PastBound) -> Unusable:
        return Unusable(f"the body was not read, by a bound of gateproof's own: {bound}", blame=Blame.SUITE)

    @cached_property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")

    @property
    def readable(self) -> str:
        """The text of the body; "" where it can't be decoded."""
        try:
            return self.text
        except Unusable:
            return ""

    @property
    def json(self) -> Any:
        """The body as JSON (RFC 8259: UTF-8, no NaN). Raises Unusable if it is not."""
        if isinstance(self._parsed, Unusable):
            raise Unusable(*self._parsed.args, blame=self._parsed.blame)
        return self._parsed

    @property
    def is_json(self) -> bool:
        return not isinstance(self._parsed, Unusable)

    @cached_property
    def _parsed(self) -> Any:
        """The body as JSON, or the Unusable that says why it is none."""
        if not self.complete:
            return self._none_whole
        try:
            return decoding.parsed(self.content.decode("utf-8"))
        except Unusable as error:
            return error
        except PastBound as bound:
            return self._past(bound)
        except ValueError as error:
            return Unusable(f"the body is not JSON ({error}): {clip(self.text)}")

    @property
    def _none_whole(self) -> Unusable:
        return Unusable(f"there is no whole answer: {self.seen}", blame=self.blame)

    @property
    def blame(self) -> Blame:
        """Who is at fault if this exchange is not what it should be."""
        return self.failure.blame if self.failure else Blame.GATEWAY

    @property
    def document(self) -> dict[str, Any]:
        """The JSON object of a successful answer. Raises Unusable for anything else."""
        if not self.ok:
            raise Unusable(f"{self.step} was to succeed, the answer is {self.seen}", blame=self.blame)
        if not isinstance(self.json, dict):
            raise Unusable(f"the answer is not a JSON object: {clip(self.text)}")
        return self.json

    @property
    def refusal(self) -> Any:
        """What an error body says for programs, to tell one refusal from another: its type and code, or its detail
        without the path that was asked for."""
        if not self.is_json or not isinstance(self.json, dict):
            return self.media_type
        error = self.json.get("error")
        if isinstance(error, dict):
            return error.get("type"), error.get("code")
        said = self.json.get("detail", self.json.get("message", sorted(self.json)))
        path = urlsplit(self.request.url).path
        return said.replace(path, "").replace(unquote(path), "") if isinstance(said, str) else said

    @cached_property
    def events(self) -> list[sse.Event]:
        """All blocks of the body read as an event stream, with their arrival times."""
        if not self.response:
            return []
        try:
            decoding.check_lines(self.content)  # raises Unusable where it can't be decoded
        except PastBound as bound:
            raise self._past(bound) from None
        if self._coding == "identity":
            return sse.parse(list(self.response.reads))
        return sse.parse(decoding.decoded_as_read(self.response.reads, self._coding))

    @cached_property
    def chunks(self) -> list[dict[str, Any]]:
        """The JSON objects of a successful stream, [DONE] and all that is no JSON object left out.

        Raises Unusable if the answer is no successful event stream, holds no object at all, or reports an error.
        """
        if not 200 <= self.status < 300:
            raise Unusable(f"{self.step} was to be a stream, the answer is {self.seen}", blame=self.blame)
        found = [(event, chunk) for event, chunk in self.parsed_events if chunk is not None]
        if not found:
            came = clip(self.text) or f"{self.seen}, with an empty body"
            said = f"{self.step} was to be a stream of JSON objects, the answer is {came}"
            raise Unusable(said, blame=self.blame)
        if broken := next((event for event, chunk in found if chunk.get("error")), None):
            raise Unusable(f"the stream reports an error: {clip(broken.data or '')}")
        return [chunk for _, chunk in found]

    @cached_property
    def parsed_events(self) -> list[tuple[sse.Event, dict[str, Any] | None]]:
        """Every event with the JSON object in its data; None where it holds none."""
        try:
            return [(event, _object(event)) for event in self.events]
        except PastBound as bound:
            raise self._past(bound) from None

    @cached_property
    def derived(self) -> dict[str, dict[str, Any]]:
        """What was made of this exchange and is asked for again and again, by name."""
        return {}

    @property
    def step(self) -> str:
        """Which step of a run this is, for a message: its label, and its id in the report."""
        return f"{self.label} ({self.id})"

    @property
    def seen(self) -> str:
        """What came back, in a few words for a message."""
        if self.response is None:
            return f"no answer ({self.failure.message if self.failure else 'nothing was received'})"
        text = f"HTTP {self.status}" + (f" {clip(self.media_type, 80)}" if self.media_type else "")
        if self.failure:
            return f"{text}, then {self.failure.message}"
        if self.status >= 400 or self.media_type not in ("application/json", "text/event-stream"):
            body = clip(self._beginning, 120) if self.header("content-encoding") is None else ""
            return f"{text}: {body}" if body else f"{text} with an empty body"
        return text

    @property
    def _beginning(self) -> str:
        """The first characters of the body as it came, however long it is."""
        found = bytearray()
        for _, data in self.response.reads if self.response else ():
            found += data[:1000]
            if len(found) > 1000:
                break
        return found.decode("utf-8", "replace")


def exchanges_in(value: Any) -> Iterator[Exchange]:
    """Every exchange in a probe's result: an exchange, or lists and dicts of them."""
    if isinstance(value, Exchange):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from exchanges_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from exchanges_in(item)


def clip(text: str, limit: int = 160) -> str:
    """Text for one line of a message: control characters escaped, cut at `limit`."""
    text = escaped(text[: limit + 1], "")
    return text if len(text) <= limit else text[:limit] + "…"


def escaped(text: str, but: str = "\n\t") -> str:
    """Text that does nothing where it is shown: control characters, those that change the direction of writing and
    halves of surrogate pairs are written as in a Python string; all `but` these."""
    bare = text
    for c in but:
        bare = bare.replace(c, "")
    if bare.isprintable():  # as nearly every text is, and to look at each character takes long
        return text
    return "".join(c if c.isprintable() or c in but else repr(c)[1:-1] for c in text)


def _object(event: sse.Event) -> dict[str, Any] | None:
    if not event.complete or event.data is None or event.data == sse.DONE:
        return None
    try:
        value = decoding.parsed(event.data)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
