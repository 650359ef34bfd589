"""The one place where secrets are taken out of what leaves the process: reports, logs, curl lines, attachments."""

import re
from typing import Any

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
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key): self.tree(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.tree(item) for item in value]
        return value
