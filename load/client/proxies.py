"""Which proxy a gateway is reached through, by HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY in the environment."""

from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from conformance.target import ConfigError


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy. `head` is what it alone is told: its credentials, as a header line, or nothing."""

    host: str
    port: int
    head: bytes = b""


def proxy_for(scheme: str, host: str, port: int) -> Proxy | None:
    """The proxy for this gateway, None for a direct way. Raises ConfigError for one of a kind we can't speak to."""
    named = getproxies_environment()
    url = named.get(scheme) or named.get("all")
    if not url or proxy_bypass(f"{host}:{port}"):
        return None
    parts = urlsplit(url if "://" in url else f"http://{url}")
    try:
        usable = parts.scheme == "http" and parts.hostname and (parts.port or 1)
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(f"the proxy for {scheme} in the environment must look like http://host:port")
    head = b""
    if parts.username:
        head = b"Proxy-Authorization: " + basic(unquote(parts.username), unquote(parts.password or "")) + b"\r\n"
    return Proxy(parts.hostname or "", parts.port or 80, head)


def basic(user: str, password: str) -> bytes:
    """The credentials as the value of an authorization header."""
    return b"Basic " + b64encode(f"{user}:{password}".encode())
