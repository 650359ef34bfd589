"""Where the requests of a load test go, and their bytes. Imports neither gevent nor locust."""

import ssl
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from conformance.target import Target
from load.client.proxies import Proxy, basic, proxy_for

USER_AGENT = "gateproof-load"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One gateway: address, TLS, proxy, and everything of a request's head but its first line and its length.

    `timeout_s` is the longest silence; `connect_timeout_s` bounds name resolution, TCP, proxy and TLS together;
    `limit_s` a whole request.
    """

    host: str
    port: int
    path: str
    head: bytes
    tls: ssl.SSLContext | None = None
    timeout_s: float = 30.0
    connect_timeout_s: float = 10.0
    limit_s: float = 600.0
    proxy: Proxy | None = None

    @classmethod
    def of(cls, target: Target) -> "Endpoint":
        """Raises ConfigError if the target's CA file can't be read, or for a proxy that we can't speak to."""
        parts = urlsplit(target.base_url)
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
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
            headers["Authorization"] = basic(unquote(parts.username), unquote(parts.password or "")).decode()
        own = {name.lower() for name, _ in target.headers}
        lines = [(name, value) for name, value in headers.items() if name.lower() not in own] + list(target.headers)
        return cls(
            host=host,
            port=port,
            path=quote(parts.path, safe="/%:@!$&'()*+,;=~"),
            head="".join(f"{name}: {value}\r\n" for name, value in lines).encode("latin-1", "replace"),
            tls=target.tls(),
            timeout_s=target.timeout_s,
            proxy=proxy_for(parts.scheme, host, port),
        )

    @property
    def address(self) -> tuple[str, int]:
        """Where the connection goes: the proxy, if there is one."""
        return (self.proxy.host, self.proxy.port) if self.proxy else (self.host, self.port)

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def tunnel(self) -> bytes:
        """The request for a tunnel through the proxy, for TLS; nothing where none is needed."""
        if not (self.proxy and self.tls):
            return b""
        line = f"CONNECT {self.authority} HTTP/1.1\r\nHost: {self.authority}\r\n".encode()
        return line + self.proxy.head + b"\r\n"

    def request(self, method: str, path: str, body: bytes = b"") -> bytes:
        """The bytes of one request; `path` is below the base URL and starts with a slash."""
        length = f"Content-Length: {len(body)}\r\n" if method == "POST" else ""
        via = self.proxy if self.proxy and not self.tls else None
        origin = f"http://{self.authority}" if via else ""
        line = f"{method} {origin}{self.path}{path} HTTP/1.1\r\n{length}".encode()
        return line + (via.head if via else b"") + self.head + b"\r\n" + body
