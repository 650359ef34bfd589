"""The one place where secrets are taken out of what leaves the process: reports, logs, curl lines, attachments."""

import base64
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

MASK = "[redacted]"
_BEARER = re.compile(r"(?i)\b(bearer|basic|token)(\s+)(?!\[redacted\])[A-Za-z0-9._~+/=-]{8,}")
_NAMED = re.compile(
    r"""(?ix)( \\?"[a-z_-]*(?:api_?-?key|secret|password|passwd|credential|access_token|private_key)[a-z_-]*\\?"
    \s*:\s*\\?" )([^"\\]{6,})"""
)


class Redactor:
    """Replaces every given secret, anything that looks like a credential after Bearer or Basic, and the values of JSON
    members whose names say that they are secret: a gateway that discloses a provider's key must not do so through us.

    >>> Redactor(["sk-1234"]).text("key sk-1234 was refused")
    'key [redacted] was refused'
    """

    def __init__(self, secrets: list[str]) -> None:
        longest_first = sorted({secret for secret in secrets if secret}, key=len, reverse=True)
        self._known = re.compile("|".join(re.escape(secret) for secret in longest_first)) if longest_first else None

    def text(self, text: str) -> str:
        if self._known:
            text = self._known.sub(MASK, text)
        return _NAMED.sub(rf"\1{MASK}", _BEARER.sub(rf"\1\2{MASK}", text))

    def tree(self, value: Any) -> Any:
        """A JSON-like value with every string in it redacted, keys too."""
        return _with_each_text(self.text, value)


class Disguise:
    """Puts a stand-in of the same length and kind of characters in the place of every secret, in text and in bytes,
    so that a recording can be given away and still be judged: lengths fit, and what was echoed is still an echo.

    It knows a secret in either case, percent-encoded and in Base64; and, as a Redactor does, members of JSON whose
    names say that they are secret.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._stand_ins: dict[str, str] = {}
        for number, secret in enumerate(sorted({s for s in secrets if s}, key=len, reverse=True)):
            self._learn(secret, stand_in(secret, number))
        longest_first = sorted(self._stand_ins, key=len, reverse=True)
        words = "|".join(re.escape(form) for form in longest_first)
        self._known = re.compile(words, re.IGNORECASE | re.ASCII) if words else None

    def _learn(self, secret: str, other: str) -> None:
        forms = [(secret, other), (quote(secret, safe=""), quote(other, safe=""))]
        forms += [(_base64(secret), _base64(other)), (_base64(secret, b"-_"), _base64(other, b"-_"))]
        for form, disguised in forms:
            self._stand_ins.setdefault(_lower(form), disguised)

    def text(self, text: str) -> str:
        if self._known:
            text = self._known.sub(lambda found: _cased(self._stand_ins[_lower(found[0])], found[0]), text)
        return _NAMED.sub(lambda found: found[1] + stand_in(found[2], 7), text)

    def data(self, data: bytes) -> bytes:
        """Bytes of any kind, of which those that are no UTF-8 stay as they are."""
        return self.text(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def tree(self, value: Any) -> Any:
        """A JSON-like value with every string in it disguised, keys too."""
        return _with_each_text(self.text, value)


def stand_in(secret: str, number: int) -> str:
    """A text that looks like the secret and holds nothing of it but its punctuation; another for each number."""
    letters = "redacted"
    found = []
    for place, old in enumerate(secret):
        letter = letters[(place + number) % len(letters)]
        new = str((place + number) % 10) if old.isdigit() else letter.upper() if old.isupper() else letter
        found.append(new if old.isascii() and old.isalnum() else old)
    return "".join(found)


def _with_each_text(change: Callable[[str], str], value: Any) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(key): _with_each_text(change, item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_each_text(change, item) for item in value]
    return value


def _lower(text: str) -> str:
    """The text with its ASCII letters in lower case, as re.ASCII compares."""
    return "".join(c.lower() if c.isascii() else c for c in text)


def _cased(text: str, like: str) -> str:
    """The text in the case in which the secret was found, where that is all upper or all lower."""
    return text.upper() if like.isupper() else text.lower() if like.islower() else text


def _base64(text: str, others: bytes = b"+/") -> str:
    """Base64 without the last, incomplete group, whose characters depend on what follows."""
    whole = base64.b64encode(text.encode(), altchars=others).decode()
    return whole[: len(text) // 3 * 4]
