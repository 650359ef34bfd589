"""Rules of response headers."""

import re
import time
from calendar import timegm
from collections import Counter
from collections.abc import Iterator

from conformance.exchange import Exchange, Headers, Unusable, clip
from conformance.rules.secrets import disclosed, told
from conformance.rules.streams.timing import clock_offset_s

REQUEST_ID = "x-request-id"
SINGLE = ("content-type", "content-length", "content-encoding", "retry-after", "location", "x-should-retry", REQUEST_ID)
"""Headers that have one value."""
LONGEST_RETRY_S = 120
SHORTEST_KEY = 16
"""A shorter word could be in an answer by chance."""
_RATE = "x-ratelimit-"
_COUNT = re.compile(r"(\d+)(?:\s*[,;].*)?")
_RESET = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+|\d+(?:\.\d+)?(?:\s*[,;].*)?")
_OTHER_ID = re.compile(r"(?:request|correlation|trace|call)-?id$", re.IGNORECASE)
_DATES = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y")
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\";\s]*)", re.IGNORECASE)


def request_id(headers: Headers) -> Iterator[str]:
    """Says that there is no request id, and which header of another vendor there is instead."""
    if any(name.lower() == REQUEST_ID and value.strip() for name, value in headers):
        return
    other = next((name for name, _ in headers if name.lower() != REQUEST_ID and _OTHER_ID.search(name)), None)
    yield f"no {REQUEST_ID}" + (f", but {other}" if other else "")


def charset(content_type: str) -> Iterator[str]:
    found = _CHARSET.search(content_type)
    if found and found[1].lower() not in ("utf-8", "utf8"):
        yield f"the charset of its JSON is {clip(found[1], 40)}"


def shared_cache(cache_control: str) -> Iterator[str]:
    """Permission for a cache that serves everybody to keep what was answered to a key."""
    said = {each.partition("=")[0].strip().lower() for each in cache_control.split(",")}
    if said & {"public", "s-maxage"} and not said & {"no-store", "no-cache", "private"}:
        yield f"Cache-Control: {clip(cache_control, 80)}"


def allowed(exchange: Exchange) -> Iterator[str]:
    """What is wrong with the Allow of a refused method: of the API's own endpoints some take GET and the others POST,
    and whoever refuses one of these two takes the other."""
    refused = exchange.request.method
    methods = {each.strip().upper() for value in exchange.header_values("allow") for each in value.split(",")} - {""}
    needed = {"GET"} if refused == "POST" else {"POST"}
    if not methods:
        yield "no Allow header"
    elif refused in methods or not needed <= methods:
        yield f"Allow: {clip(', '.join(sorted(methods)), 80)}"


def coding(offered: str, used: str | None) -> Iterator[str]:
    """A content coding that Accept-Encoding (without regard to weights) did not offer."""
    known = {each.partition(";")[0].strip().lower() for each in offered.split(",")} | {"identity"}
    for name in (used or "identity").split(","):
        if name.strip().lower().removeprefix("x-") not in known:
            yield f"Content-Encoding: {clip(used or '', 40)} with Accept-Encoding: {offered}"


def decodable(exchange: Exchange) -> Iterator[str]:
    try:
        _ = exchange.content
    except Unusable as error:
        yield str(error)


def length(exchange: Exchange) -> Iterator[str]:
    """A body that ended before the announced length. One that goes on after it shows in the next answer."""
    announced = exchange.header("content-length") or ""
    if exchange.failure is None or exchange.failure.kind in ("too-large", "abandoned") or exchange.response is None:
        return
    came = len(exchange.response.body)
    if announced.isdecimal() and came < int(announced):
        yield f"Content-Length: {announced}, but {came} bytes came, then {exchange.failure.message}"


def says_close(exchange: Exchange) -> bool:
    """Whether an answer announces, by its version or in so many words, that its connection is closed after it."""
    said = ", ".join(exchange.header_values("connection")).lower()
    old = exchange.response is not None and exchange.response.http_version == "HTTP/1.0"
    return "close" in said or (old and "keep-alive" not in said)


def retry_after(value: str) -> Iterator[str]:
    if not re.fullmatch(r"[0-9]+", value.strip()) and not _is_http_date(value):
        yield f"Retry-After: {clip(value, 60)}"


def wait_s(exchange: Exchange) -> float | None:
    """The seconds that Retry-After tells to wait, a moment being counted from the answer's own Date; None without."""
    value = (exchange.header("retry-after") or "").strip()
    if re.fullmatch(r"[0-9]+", value):
        return float(value)
    moment = next((moment for form in _DATES if (moment := _moment(value, form)) is not None), None)
    return moment - exchange.started_at - clock_offset_s(exchange) if moment is not None else None


def coarse_s(retry_after: str | None) -> float:
    """By how much a Retry-After can be off, as moments have whole seconds."""
    return 0.0 if not retry_after or retry_after.strip().isdigit() else 1.0


def bearer_challenge(value: str | None, *, wrong_token: bool) -> Iterator[str]:
    """What a WWW-Authenticate header lacks of a Bearer challenge."""
    if value is None:
        yield "no WWW-Authenticate"
    elif not re.search(r"(?:^|,)\s*bearer\b", value, re.IGNORECASE):
        yield f"WWW-Authenticate: {clip(value, 60)}"
    elif wrong_token and not re.search(r'error\s*=\s*"?invalid_token', value, re.IGNORECASE):
        yield f'no error="invalid_token" in WWW-Authenticate: {clip(value, 60)}'


def echoed_key(exchange: Exchange) -> Iterator[str]:
    """Words of the sent Authorization header that are in the answer."""
    words = [word for word in (exchange.sent_header("authorization") or "").split() if len(word) >= SHORTEST_KEY]
    if words:
        yield from (
            f"{seen} (HTTP {exchange.status})" for seen in disclosed(told(exchange), words, "the key that was sent")
        )


def sent_once(headers: Headers) -> Iterator[str]:
    """Names that have one value and stand there more than once."""
    times = Counter(name.lower() for name, _ in headers)
    yield from (f"{name} is sent {times[name]} times" for name in SINGLE if times[name] > 1)


def cookies(headers: Headers) -> Iterator[str]:
    """Cookies by their names alone."""
    for name, value in headers:
        if name.lower() == "set-cookie":
            yield f"Set-Cookie: {clip(value.partition('=')[0].strip(), 40)}"


def date(values: list[str]) -> Iterator[str]:
    if not values:
        yield "no Date"
    yield from (f"Date: {clip(value, 60)}" for value in values if not _is_http_date(value))


def processing_time(exchange: Exchange) -> Iterator[str]:
    """A time that the gateway says it took, which can't be longer than it took with us."""
    for value in exchange.header_values("openai-processing-ms"):
        took_ms = _number(value)
        if took_ms is None or took_ms < 0:
            yield f"openai-processing-ms: {clip(value, 40)}"
        elif took_ms > (exchange.duration_s + 1) * 1000:
            yield f"openai-processing-ms: {clip(value, 40)}, but the answer took {exchange.duration_s * 1000:.0f} ms"


def rate_limits(headers: Headers) -> Iterator[str]:
    """Rate-limit headers of the common form that can't be read, and limits that less than nothing is left of."""
    limits = {name.lower(): value.strip() for name, value in headers if name.lower().startswith(_RATE)}
    for name, value in limits.items():
        kind = name.removeprefix(_RATE).partition("-")[0]
        if (kind in ("limit", "remaining") and not _COUNT.fullmatch(value)) or (
            kind == "reset" and not _RESET.fullmatch(value)
        ):
            yield f"{name}: {clip(value, 40)}"
        elif kind == "remaining" and (most := _COUNT.fullmatch(limits.get(name.replace("remaining", "limit"), ""))):
            left = _COUNT.fullmatch(value)
            if left and float(left[1]) > float(most[1]):
                yield f"{name} is {left[1]} of {most[1]}"


def retry_soon(values: list[str]) -> Iterator[str]:
    """What keeps a client from coming back in time; a value that can't be read at all is the business of
    retry_after."""
    if not values:
        yield "no Retry-After"
    for value in values:
        if _is_http_date(value):
            yield f"Retry-After is a date: {clip(value, 60)}"
        elif re.fullmatch(r"[0-9]+", value.strip()) and not 1 <= float(value) <= LONGEST_RETRY_S:
            yield f"Retry-After: {clip(value, 60)}"


def preflight(exchange: Exchange, origin: str) -> Iterator[str]:
    """What an answer to a preflight request lacks to let a page of this origin post JSON with a key."""
    if exchange.status not in (200, 204):
        yield f"the preflight request is answered with {exchange.seen}"
    allowed = exchange.header("access-control-allow-origin")
    if allowed not in ("*", origin):
        yield f"Access-Control-Allow-Origin: {clip(allowed or '', 60)}"
    methods = _words(exchange.header_values("access-control-allow-methods"))
    if methods and not methods & {"post", "*"}:
        yield f"Access-Control-Allow-Methods: {clip(', '.join(sorted(methods)), 60)}"
    names = _words(exchange.header_values("access-control-allow-headers"))
    for name in ("authorization", "content-type"):
        if name not in names and ("*" not in names or name == "authorization"):
            yield f"Access-Control-Allow-Headers does not name {name}: {clip(', '.join(sorted(names)), 60)}"


def open_with_credentials(exchange: Exchange) -> Iterator[str]:
    credentials = exchange.header("access-control-allow-credentials") or ""
    if exchange.header("access-control-allow-origin") == "*" and credentials.lower() == "true":
        yield "Access-Control-Allow-Origin: * with Access-Control-Allow-Credentials: true"


def _words(values: list[str]) -> set[str]:
    return {word.strip().lower() for value in values for word in value.split(",")} - {""}


def _number(value: str) -> float | None:
    """A plain number; None if it is none."""
    found = re.fullmatch(r"-?\d+(?:\.\d+)?", value.strip())
    return float(found[0]) if found else None


def _is_http_date(value: str) -> bool:
    return any(_moment(value.strip(), form) is not None for form in _DATES)


def _moment(value: str, form: str) -> float | None:
    """The Unix time of a date in this form; None if it has another."""
    try:
        return float(timegm(time.strptime(value, form)))
    except ValueError:
        return None
