"""Where the requests of a load test go, and their bytes. Imports neither gevent nor locust."""

import ssl
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from conformance.target import Target

USER_AGENT = "gateproof-load"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One gateway: address, TLS, and everything of a request's head but its first line and its length.

    `timeout_s` is the longest silence; `connect_timeout_s` bounds name resolution, TCP and TLS together; `limit_s` a
    whole request.
    """

    host: str
    port: int
    path: str
    head: bytes
    tls: ssl.SSLContext | None = None
    timeout_s: float = 30.0
    connect_timeout_s: float = 10.0
    limit_s: float = 600.0

    @classmethod
    def of(cls, target: Target) -> "Endpoint":
        """Raises ConfigError if the target's CA file can't be read."""
        parts = urlsplit(target.base_url)
        host = parts.hostname or ""
        headers = {
            "Host": parts.netloc.rpartition("@")[2],
            "User-Agent": USER_AGENT,
            "Accept": "text/event-stream, application/json",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
        }
        if target.api_key:
            headers["Authorization"] = f"Bearer {target.api_key}"
        elif parts.username:
            headers["Authorization"] = _basic(unquote(parts.username), unquote(parts.password or ""))
        own = {name.lower() for name, _ in target.headers}
        lines = [(name, value) for name, value in headers.items() if name.lower() not in own] + list(target.headers)
        return cls(
            host=host,
            port=parts.port or (443 if parts.scheme == "https" else 80),
            path=quote(parts.path, safe="/%:@!$&'()*+,;=~"),
            head="".join(f"{name}: {value}\r\n" for name, value in lines).encode("latin-1", "replace"),
            tls=target.tls(),
            timeout_s=target.timeout_s,
        )

    def request(self, method: str, path: str, body: bytes = b"") -> bytes:
        """The bytes of one request; `path` is below the base URL and starts with a slash."""
        length = f"Content-Length: {len(body)}\r\n" if method == "POST" else ""
        return f"{method} {self.path}{path} HTTP/1.1\r\n{length}".encode() + self.head + b"\r\n" + body


def _basic(user: str, password: str) -> str:
    from base64 import b64encode

    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()
