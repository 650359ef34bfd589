"""Where a provider points that redirects: to itself under another name, where it keeps what comes."""

from contextlib import suppress
from dataclasses import replace
from ipaddress import IPv4Address
from urllib.parse import urlsplit

from starlette.types import Scope

from reference_gateway.scripted.script import Answer

PATH = "/gateproof/elsewhere/"
"""What comes below it is kept with the script of that id, whatever its method."""
WORD = "{elsewhere}"
"""In a header of a script: the URL of that place, at a host which is another one by its name."""
_LOOPBACK = {"localhost": "127.0.0.1", "127.0.0.1": "localhost", "::1": "localhost"}


def pointed(answer: Answer, id: str, scope: Scope) -> Answer:
    """The answer with the URL in its headers, seen from whoever sent this request."""
    if not any(WORD in value for value in answer.headers.values()):
        return answer
    asked = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "localhost")
    url = f"{scope.get('scheme', 'http')}://{another_name(asked)}{PATH}{id}"
    return replace(answer, headers={name: value.replace(WORD, url) for name, value in answer.headers.items()})


def another_name(authority: str) -> str:
    """The same host and port by another name: of a name, the one that ends with the root's dot; of an address of IPv4,
    the one that has it in IPv6 (RFC 4291, section 2.5.5.2)."""
    host = urlsplit(f"//{authority}").hostname or ""
    other = _LOOPBACK.get(host, f"{host}.")
    with suppress(ValueError):
        other = _LOOPBACK.get(host) or f"[::ffff:{IPv4Address(host)}]"
    port = urlsplit(f"//{authority}").port
    return f"{other}:{port}" if port else other
