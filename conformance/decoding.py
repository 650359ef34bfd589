"""Bodies decoded and parsed within bounds: gzip and deflate, JSON. What is past a bound of ours raises PastBound, what
is not what it should be ValueError; nothing else is raised, whatever the bytes are."""

import json
import re
import zlib
from typing import Any

from conformance.limits import (
    GZIP_MEMBERS,
    JSON_DEPTH,
    JSON_DIGITS,
    JSON_VALUES,
    LINES,
    size,
    unpacked_bytes,
    values,
)

_GZIP, _ZLIB, _RAW = zlib.MAX_WBITS | 16, zlib.MAX_WBITS, -zlib.MAX_WBITS
_LONG_NUMBER = re.compile(rf"\d{{{JSON_DIGITS + 1}}}")


class PastBound(Exception):
    """It is more than we take; the message says of what, for a person."""


def decoded(body: bytes, coding: str) -> bytes:
    """The body without its content coding. Raises ValueError also for a coding that is not known."""
    match coding:
        case "identity":
            return body
        case "gzip" | "x-gzip":
            return _unpacked(body, _GZIP)
        case "deflate":
            return _unpacked(body, _deflated(body))
    raise ValueError(f"the content coding {coding[:40]!r} was not offered")


def decoded_as_read(reads: tuple[tuple[float, bytes], ...], coding: str) -> list[tuple[float, bytes]]:
    """What each read of a sound body in gzip or deflate adds to the decoded body, with the read's time."""
    kind = _GZIP if coding != "deflate" else _deflated(b"".join(data for _, data in reads))
    decoder = zlib.decompressobj(kind)
    found = []
    for t_s, data in reads:
        added = decoder.decompress(data)
        while decoder.eof and decoder.unused_data and kind == _GZIP:
            rest, decoder = decoder.unused_data.lstrip(b"\0"), zlib.decompressobj(kind)
            added += decoder.decompress(rest)
        found.append((t_s, added))
    return found


def check_lines(body: bytes) -> None:
    """Raises PastBound for an event stream with more lines or values than are taken apart."""
    if body.count(b"\n") + body.count(b"\r") > LINES:
        raise PastBound(f"it has more than {LINES} lines")
    if values(body) > JSON_VALUES:
        raise PastBound(f"it has more than {JSON_VALUES} values")


def parsed(text: str, *, strict: bool = True) -> Any:
    """The JSON value in a text; NaN and Infinity are none (RFC 8259) where it is to be `strict`."""
    if len(text) > JSON_VALUES and values(text.encode("utf-8", "replace")) > JSON_VALUES:
        raise PastBound(f"it has more than {JSON_VALUES} values")
    refuse = _refuse_constant if strict else None
    try:
        value = json.loads(text, parse_constant=refuse, parse_int=_int if _LONG_NUMBER.search(text) else None)
    except RecursionError:
        raise PastBound(f"its JSON is nested more than {JSON_DEPTH} deep") from None
    if text.count("[") + text.count("{") > JSON_DEPTH and _is_deep(value):
        raise PastBound(f"its JSON is nested more than {JSON_DEPTH} deep")
    return value


def _unpacked(body: bytes, kind: int) -> bytes:
    room, found, rest = unpacked_bytes(len(body)), bytearray(), body
    for _ in range(GZIP_MEMBERS):
        decoder = zlib.decompressobj(kind)
        try:
            found += decoder.decompress(rest, room + 1 - len(found))
        except zlib.error as error:
            raise ValueError(str(error)) from None
        if len(found) > room:
            raise PastBound(f"its {len(body)} bytes unpack to more than {size(room)}")
        if not decoder.eof:
            raise ValueError("the compressed data ends too early")
        rest = decoder.unused_data.lstrip(b"\0")
        if not rest or kind != _GZIP:
            return bytes(found)
    raise PastBound(f"it has more than {GZIP_MEMBERS} gzip members")


def _deflated(body: bytes) -> int:
    """Deflate as HTTP means it has a header of its own; many send it without."""
    has_header = len(body) > 1 and body[0] & 15 == 8 and (body[0] * 256 + body[1]) % 31 == 0
    return _ZLIB if has_header or not body else _RAW


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(JSON_DEPTH):
        inside = [item.values() if isinstance(item, dict) else item for item in level]
        level = [child for items in inside for child in items if isinstance(child, dict | list)]
        if not level:
            return False
    return True


def _int(digits: str) -> int:
    if len(digits) > JSON_DIGITS:
        raise PastBound(f"it holds a number of more than {JSON_DIGITS} digits")
    return int(digits)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
