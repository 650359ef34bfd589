"""A run in a file: everything that was sent and received, and how it was judged, without its secrets. Such a file can
be judged again without a gateway, with the same verdicts, and be given to a colleague."""

import gzip
import json
import zlib
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from conformance import whole
from conformance.exchange import Exchange, Request, Response, Unusable
from conformance.redact import Disguise
from conformance.sending.recording import Recording
from conformance.target import ConfigError, Target, is_secret_header

FORMAT = 1
LEFT_OUT = ("api_key_command", "ca_file", "insecure", "sdk_python")
"""What of a target is of no use without a network."""


def keep(path: Path, recording: Recording, target: Target) -> None:
    """Writes a run, whole or not at all; compressed if the name ends with .gz. Raises ConfigError if it can't."""
    disguise = Disguise([*target.secrets, *_credentials(recording.all)])
    shown = asdict(target) | dict.fromkeys(LEFT_OUT)
    shown |= {"without": sorted(target.without), "claimed": sorted(target.claimed), "declined": sorted(target.declined)}
    document = {"gateproof_recording": FORMAT, "target": disguise.tree(shown)}
    document["recording"] = _disguised(recording, disguise).to_record()
    text = json.dumps(document).encode()
    try:
        whole.put(path, gzip.compress(text, 6, mtime=0) if path.suffix == ".gz" else text)
    except OSError as error:
        raise ConfigError(f"--record {path}: it can't be written ({error.strerror})") from None


def opened(path: Path) -> tuple[Target, Recording]:
    """The target and the run in a file. Raises ConfigError if it is none."""
    try:
        data = path.read_bytes()
        document = json.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
        if document["gateproof_recording"] != FORMAT:
            raise ConfigError(f"--replay {path}: it was written by another version of gateproof")
        shown: dict[str, Any] = document["target"]
        shown |= {key: frozenset(shown[key]) for key in ("without", "claimed", "declined")}
        shown |= {"headers": tuple((name, value) for name, value in shown["headers"]), "insecure": False}
        return Target(**shown), Recording.from_record(document["recording"])
    except OSError as error:
        raise ConfigError(f"--replay {path}: it can't be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, EOFError, zlib.error):
        raise ConfigError(f"--replay {path}: it is no run that --record has written") from None


def _credentials(exchanges: list[Exchange]) -> set[str]:
    """Every credential that was sent, the wrong ones too: some differ from the right one by little."""
    found = set()
    for exchange in exchanges:
        for name, value in exchange.request.headers:
            if is_secret_header(name):
                found |= {value.strip(), value.strip().split(" ")[-1]}
    return {secret for secret in found if len(secret) >= 8}


def _disguised(recording: Recording, disguise: Disguise) -> Recording:
    exchanges, behind = ([_exchange(x, disguise) for x in part] for part in (recording.exchanges, recording.behind))
    by_id = {x.id: x for x in (*exchanges, *behind)}

    def other(value: Any) -> Any:
        if isinstance(value, Exchange):
            return by_id.get(value.id) or _exchange(value, disguise)
        if isinstance(value, dict):
            return {key: other(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [other(item) for item in value]
        return disguise.text(value) if isinstance(value, str) else value

    def said(text: str | None) -> str | None:
        return None if text is None else disguise.text(text)

    results = {
        name: replace(result, value=other(result.value), unusable=said(result.unusable), error=said(result.error))
        for name, result in recording.results.items()
    }
    return replace(recording, exchanges=exchanges, behind=behind, results=results, blocked=said(recording.blocked))


def _exchange(exchange: Exchange, disguise: Disguise) -> Exchange:
    request, response, failure = exchange.request, exchange.response, exchange.failure
    headers = tuple((name, disguise.text(value)) for name, value in request.headers)
    return replace(
        exchange,
        label=disguise.text(exchange.label),
        request=Request(request.method, disguise.text(request.url), headers, disguise.data(request.body)),
        response=response and _response(exchange, response, disguise),
        failure=failure and replace(failure, message=disguise.text(failure.message)),
    )


def _response(exchange: Exchange, response: Response, disguise: Disguise) -> Response:
    """The response with each read as long as it was; a compressed body that holds a secret is compressed anew."""
    headers = tuple((name, disguise.text(value)) for name, value in response.headers)
    body = response.body
    other = disguise.data(body)
    coding = (exchange.header("content-encoding") or "identity").strip().lower()
    if coding in ("gzip", "x-gzip", "deflate"):
        try:
            content = exchange.content
        except Unusable:
            content = b""
        plain = disguise.data(content)
        if plain != content:
            other = zlib.compress(plain) if coding == "deflate" else gzip.compress(plain, mtime=0)
            lengths = {"content-length": str(len(other))}
            headers = tuple((name, lengths.get(name.lower(), value)) for name, value in headers)
            return replace(response, headers=headers, reads=((response.reads[-1][0], other),))
    reads, at = [], 0
    for t_s, data in response.reads:
        reads.append((t_s, other[at : at + len(data)]))
        at += len(data)
    return replace(response, headers=headers, reads=tuple(reads))
