"""Rules of response headers."""

import re
import time
from collections.abc import Iterator

from conformance.exchange import Exchange, Headers, Unusable, clip

REQUEST_ID = "x-request-id"
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
    if exchange.failure is None or exchange.failure.kind == "too-large" or exchange.response is None:
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
    if not re.fullmatch(r"[0-9]+", value.strip()) and not any(_is_date(value.strip(), form) for form in _DATES):
        yield f"Retry-After: {clip(value, 60)}"


def bearer_challenge(value: str | None, *, wrong_token: bool) -> Iterator[str]:
    """What a WWW-Authenticate header lacks of a Bearer challenge."""
    if value is None:
        yield "no WWW-Authenticate"
    elif not re.search(r"(?:^|,)\s*bearer\b", value, re.IGNORECASE):
        yield f"WWW-Authenticate: {clip(value, 60)}"
    elif wrong_token and not re.search(r'error\s*=\s*"?invalid_token', value, re.IGNORECASE):
        yield f'no error="invalid_token" in WWW-Authenticate: {clip(value, 60)}'


def echoed_key(exchange: Exchange, shortest: int = 16) -> Iterator[str]:
    """Words of the sent Authorization header that are in the answer. Shorter ones could be there by chance."""
    shown = [exchange.readable, *(value for _, value in exchange.headers)]
    for word in (exchange.sent_header("authorization") or "").split():
        if len(word) >= shortest and any(word in text for text in shown):
            yield f"the key that was sent is in the answer (HTTP {exchange.status})"


def _is_date(value: str, form: str) -> bool:
    try:
        time.strptime(value, form)
    except ValueError:
        return False
    return True
