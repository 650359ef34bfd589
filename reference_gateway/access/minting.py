"""Tokens that the gateway gives for a key: JWTs signed with a secret of this process, so they end with it."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Iterable

from reference_gateway.access.keys import Key
from reference_gateway.call import Json
from reference_gateway.wire_json import one_line

LIFETIME_S = 3600


class Mint:
    """Gives tokens for keys and knows its own again. Without keys, anybody gets a token."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self._keys = tuple(keys)
        self._secret = secrets.token_bytes(32)

    def key(self, *credentials: str | None) -> Key | None:
        """The key that is one of the credentials, or any where there are no keys; None for wrong ones."""
        if not self._keys:
            return Key("")
        offered = [text.encode() for text in credentials if text]
        found = [key for key in self._keys for each in offered if hmac.compare_digest(key.token.encode(), each)]
        return found[0] if found else None

    def token(self, key: Key, subject: str) -> str:
        """A token that permits what the key does, for an hour."""
        number = next((n for n, each in enumerate(self._keys) if each is key), 0)
        now = int(time.time())
        claims = {"sub": subject, "username": subject, "iss": "gateproof", "iat": now, "exp": now + LIFETIME_S}
        head = _encode(one_line({"alg": "HS256", "typ": "JWT"}))
        body = f"{head}.{_encode(one_line({**claims, 'key': number}))}"
        return f"{body}.{self._signature(body)}"

    def redeemed(self, token: str) -> Key | None:
        """The key that this token was given for; None if it isn't ours, or is over."""
        body, _, signature = token.rpartition(".")
        if not self._keys or not hmac.compare_digest(self._signature(body).encode(), signature.encode()):
            return None
        claims: Json = json.loads(_decode(body.partition(".")[2]))
        return self._keys[claims["key"]] if claims["exp"] > time.time() else None

    def _signature(self, body: str) -> str:
        return _encode(hmac.new(self._secret, body.encode(), hashlib.sha256).digest())


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
