"""Rules of what must not come back: credentials, in any spelling, and what a prompt says."""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, unquote, unquote_plus

from conformance.exchange import Exchange
from conformance.rules.errors import strings
from conformance.rules.providers import CREDENTIALS, can_be_read

SHORTEST = 8
"""Shorter keys could be there by chance."""
WINDOW = 12
_ENDS = 300
_COMMON = ("content-type", "date", "server", "connection", "cache-control", "vary", "allow")
"""Headers whose words a prompt may hold, too."""
_MEMBER = re.compile(
    r"(?:x[-_])?(?:api[-_]?key|secret[-_]?(?:access[-_]?)?key|client[-_]?secret|private[-_]?key|password|authorization"
    r"|(?:access|refresh|auth|bearer)[-_]token)",
    re.IGNORECASE,
)
_BASE_64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_PREFIX = re.compile(r"^(?:[A-Za-z]{1,8}\d{0,2}[-_])+")
_PLACEHOLDER = re.compile(r"(.)\1{7}|example|your", re.IGNORECASE)


def told(exchange: Exchange, leaving: tuple[str, ...] = ()) -> str:
    """Everything an answer says, as text: its headers (save those whose names begin so), its body as sent, and the
    strings of its JSON."""
    named = [f"{name}: {value}" for name, value in exchange.headers if not name.lower().startswith(leaving)]
    spoken = strings(exchange.json) if exchange.is_json else ()
    return "\n".join([*named, exchange.readable, *spoken])


def known(exchange: Exchange) -> str:
    """Everything the client itself has said."""
    request = exchange.request
    body = request.body.decode("utf-8", "replace")
    spoken = strings(exchange.sent)
    return "\n".join([request.url, unquote(request.url), body, *spoken, *(value for _, value in request.headers)])


def has_own_key(exchange: Exchange, secrets: Iterable[str]) -> bool:
    """Whether a request carries the configured key as it is meant to be carried, or none."""
    sent = exchange.sent_header("authorization")
    return sent is None or sent.removeprefix("Bearer ") in secrets


def spellings(secret: str) -> tuple[dict[str, str], dict[str, str]]:
    """The ways to write a secret that anybody can read back, by their names: those in which the case of letters
    matters, and those, in lower case, in which it does not."""
    raw = secret.encode()
    exact: dict[str, str] = {}
    for shift in range(3):  # where in a base64 text it may begin
        coded = base64.b64encode(b"\0" * shift + raw).decode()
        inner = coded[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6]
        exact |= {f"in base64 ({shift})": inner, f"in base64url ({shift})": inner.translate({43: 45, 47: 95})}
    folded = {
        "": secret,
        "backwards": secret[::-1],
        "in hexadecimal": raw.hex(),
        "percent-encoded": quote(secret, safe=""),
        "percent-encoded throughout": "".join(f"%{byte:02x}" for byte in raw),
    }
    return exact, {name: form.lower() for name, form in folded.items()}


def disclosed(text: str, secrets: Iterable[str], what: str = "the key") -> Iterator[str]:
    """The secrets that a text gives away, in any spelling; never the secret itself."""
    lower = text.lower()
    for secret in secrets:
        if len(secret) < SHORTEST:
            continue
        exact, folded = spellings(secret)
        found = [name for name, form in folded.items() if form in lower]
        found += [name for name, form in exact.items() if form in text]
        if found:
            yield f"{what} is in the answer" + (f", {found[0].partition(' (')[0]}" if found[0] else "")


def hinted(text: str, sent: str, secrets: Iterable[str]) -> Iterator[str]:
    """A part of a secret that a text gives away and that was not sent; never the part itself. What has no letter or no
    digit could be a word or a number, and what all such keys begin with is no secret. Whole ones are found by
    `disclosed`."""
    for secret in secrets:
        text = text.replace(secret, "")
        inner = _PREFIX.sub("", secret.rpartition(".")[2])
        windows = (inner[n : n + SHORTEST] for n in range(len(inner) - SHORTEST + 1))
        if any(w in text and w not in sent and re.search(r"[A-Za-z]", w) and re.search(r"\d", w) for w in windows):
            yield f"{SHORTEST} or more characters of the right key are in the answer"


def credentials(text: str, document: Any, sent: str) -> Iterator[str]:
    """What looks like a credential that the client has not sent: by its form in any text, by its name in JSON."""
    for what, pattern in CREDENTIALS.items():
        found = (match[0] for match in pattern.finditer(text))
        if any(match not in sent and not _PLACEHOLDER.search(match) for match in found):
            yield f"{what} is in the answer"
    for name, value in _members(document):
        usable = len(value) >= SHORTEST and can_be_read(value) and not _PLACEHOLDER.search(value)
        if usable and " " not in value.removeprefix("Bearer ") and value not in sent:
            yield f"{name} is in the answer with {len(value)} characters"


def prompts_in_headers(exchange: Exchange) -> Iterator[str]:
    """Headers of an answer that hold a piece of what the request asked the model, as it is or encoded."""
    pieces = {piece for text in prompts(exchange.sent) for piece in _pieces(text.lower())}
    if not pieces:
        return
    for name, value in exchange.headers:
        shown = "" if name.lower() in _COMMON else _decoded(value).lower()
        if len(shown) >= WINDOW and any(piece in shown for piece in pieces):
            yield f"a part of the prompt is in {name}"


def prompts(sent: Any) -> Iterator[str]:
    """The texts of a request that are meant for the model."""
    if isinstance(sent, dict):
        messages = sent.get("messages")
        yield from strings(
            [m.get("content") for m in messages if isinstance(m, dict)] if isinstance(messages, list) else []
        )
        yield from strings([sent.get("prompt"), sent.get("input")])


def _pieces(text: str) -> Iterator[str]:
    """Pieces of both ends of a text, at every fourth place: 15 characters of it have one in them."""
    for end in (text[:_ENDS], text[-_ENDS:]):
        yield from (end[n : n + WINDOW] for n in range(0, len(end) - WINDOW + 1, 4))


def _decoded(value: str) -> str:
    """A header's value with what it may be the encoded form of."""
    found = [value, unquote_plus(value)]
    for text in _BASE_64.findall(value):
        try:
            plain = text.rstrip("=").replace("-", "+").replace("_", "/")
            found.append(base64.b64decode(plain + "=" * (-len(plain) % 4)).decode("utf-8", "replace"))
        except (ValueError, binascii.Error):
            continue
    return "\n".join(found)


def _members(value: Any) -> Iterator[tuple[str, str]]:
    """(name, text) of every member of a JSON value that is named like a credential."""
    pending = [value]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            yield from ((k, v) for k, v in value.items() if isinstance(v, str) and _MEMBER.fullmatch(k))
            pending += value.values()
        elif isinstance(value, list):
            pending += value
