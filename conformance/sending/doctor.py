"""Can this target be judged at all? Name resolution, connection, TLS, base path, key, models, one chat: each with a
plain sentence.

`check` runs the same steps quietly before it judges; the `doctor` command prints them.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from conformance.exchange import Exchange, Failure, clip, escaped
from conformance.limits import ID_BYTES, Limits
from conformance.profiles import Profile
from conformance.sending import upstream
from conformance.sending.failures import tls_trouble
from conformance.sending.gateway import ABSENT, Facts, Gateway
from conformance.sse import BOM
from conformance.target import ConfigError, Target

MODELS_TRIED = 5
REFUSED = (401, 403)


@dataclass(frozen=True, slots=True)
class Finding:
    """One step's outcome: whether it worked, what was found, and what to do about it if it did not."""

    step: str
    ok: bool
    sentence: str
    advice: str = ""


@dataclass(slots=True)
class Diagnosis:
    """All findings, the facts that judging needs, and why it can't begin (None if it can)."""

    findings: list[Finding] = field(default_factory=list)
    facts: Facts = field(default_factory=Facts)
    blocked: str | None = None

    def note(self, step: str, ok: bool, sentence: str, advice: str = "") -> None:
        self.findings.append(Finding(step, ok, escaped(sentence), escaped(advice)))

    def block(self, step: str, sentence: str, advice: str) -> None:
        self.note(step, False, sentence, advice)
        self.blocked = escaped(f"{sentence}; {advice}" if advice else sentence)


async def reach(target: Target) -> list[Finding]:
    """The steps below HTTP, one by one: name resolution, TCP connection, TLS. Stops at the first that fails."""
    parts = urlsplit(target.base_url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    findings = []
    patience_s = Limits().connect_s
    try:
        async with asyncio.timeout(patience_s):
            addresses = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        found = ", ".join(dict.fromkeys(str(address[4][0]) for address in addresses))
        findings.append(Finding("name", True, f"{host} is {found}"))
    except OSError as error:
        advice = "check the spelling of the host and this machine's DNS"
        return [Finding("name", False, f"the name {host} can't be resolved ({error.strerror or 'timed out'})", advice)]
    try:
        async with asyncio.timeout(patience_s):
            _, writer = await asyncio.open_connection(host, port)
        writer.close()
        findings.append(Finding("connect", True, f"port {port} accepts connections"))
    except (OSError, TimeoutError) as error:
        said = os.strerror(error.errno) if error.errno else clip(str(error)) or "timed out"
        sentence = f"no connection to {host} port {port} ({said})"
        return [*findings, Finding("connect", False, sentence, "is the gateway running, and is the port right?")]
    context = target.tls()
    if context is None:
        return findings
    try:
        async with asyncio.timeout(patience_s):
            _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=host)
        tls = writer.get_extra_info("ssl_object")
        writer.close()
        return [*findings, Finding("tls", True, f"{tls.version()}, certificate {_verified(target)}")]
    except (OSError, TimeoutError, ssl.SSLError) as error:
        sentence = tls_trouble(error) if isinstance(error, ssl.SSLError) else "the TLS handshake did not come to an end"
        return [*findings, Finding("tls", False, sentence, _advice(Failure("tls", sentence)))]


async def examine(gateway: Gateway) -> Diagnosis:
    """The steps of HTTP: base path, key, models, one chat. Never raises for what it sees."""
    diagnosis = Diagnosis(facts=Facts(workspace=_workspace(gateway.target, gateway.profile)))
    has_list = "models" not in gateway.target.without
    models = await gateway.get("/models") if has_list else None
    if models is not None and models.failure and not models.response:
        _blocked_by_failure(diagnosis, gateway.target, models.failure)
        return diagnosis
    if models is not None:
        diagnosis.facts = replace(diagnosis.facts, listed=tuple(listed_ids(models)))
        _judge_list(diagnosis, models)
    if models is not None and models.status in REFUSED and not gateway.target.model:
        _block_key(diagnosis, gateway.target, models)
        return diagnosis
    chat = await _find_model(diagnosis, gateway)
    is_whole = chat.ok or (chat.complete and chat.status >= 500)
    if is_whole and gateway.target.upstream:
        if trouble := await upstream.is_behind(gateway):
            advice = "start it with gateproof upstream, register it behind the gateway, and give its key"
            diagnosis.block("upstream", trouble, advice)
    elif chat.failure and not chat.response:
        if models is None or not models.response:
            _blocked_by_failure(diagnosis, gateway.target, chat.failure)
    elif chat.status in REFUSED and (models is None or models.status in REFUSED or not gateway.target.api_key):
        _block_key(diagnosis, gateway.target, chat)
    elif (_speaks_openai(models) or _speaks_openai(chat)) and not _both_missing(models, chat):
        return diagnosis
    else:
        await _block_path(diagnosis, gateway, models)
    return diagnosis


def listed_ids(models: Exchange) -> Iterator[str]:
    """The ids of a model list, read as leniently as can be: a broken list must not keep the rest from being judged."""
    yield from (row["id"] for row in listed_models(models))


def listed_models(models: Exchange) -> list[dict[str, Any]]:
    """The entries of a model list that have an id, as long as it is one that requests can hold."""
    if not models.ok or not models.is_json:
        return []
    rows = models.json.get("data") if isinstance(models.json, dict) else models.json
    found = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return [row for row in found if isinstance(row.get("id"), str) and _can_be_asked(row["id"])]


def _can_be_asked(id: str) -> bool:
    """Whether a request can hold it: halves of surrogate pairs are no text."""
    try:
        return 0 < len(id.encode()) <= ID_BYTES
    except UnicodeEncodeError:
        return False


def _judge_list(diagnosis: Diagnosis, models: Exchange) -> None:
    count = len(diagnosis.facts.listed)
    if models.ok and count:
        diagnosis.note("models", True, f"GET /models lists {count} model{'s' if count > 1 else ''}")
    elif models.status not in REFUSED:
        advice = "name one with --model; a gateway that has no list is declared with --without models"
        diagnosis.note("models", False, f"GET /models gives no model ids: {models.seen}", advice)


async def _find_model(diagnosis: Diagnosis, gateway: Gateway) -> Exchange:
    """Tries the given model, or the first listed ones, until a chat is answered; notes what it found in the facts."""
    given = gateway.target.model
    candidates = [given] if given else list(diagnosis.facts.listed[:MODELS_TRIED]) or ["gateproof-no-model"]
    first: Exchange | None = None
    for model in candidates:
        chat, token_key = await _try_chat(gateway, model)
        first = first or chat
        if chat.ok:
            chosen = "given" if given else "listed"
            diagnosis.facts = replace(diagnosis.facts, model=model, model_chosen=chosen, token_key=token_key)
            diagnosis.note("chat", True, f"{model} answers a chat in {chat.duration_s:.2f} s")
            return chat
    model = candidates[0]
    chosen = "given" if given else "listed" if diagnosis.facts.listed else "none"
    diagnosis.facts = replace(diagnosis.facts, model=model, model_chosen=chosen)
    assert first is not None
    if first.status not in REFUSED:
        advice = "name a model that can chat with --model" if not given else "is the id one that GET /models lists?"
        diagnosis.note("chat", False, f"{model} does not answer a chat: {first.seen}", advice)
    return first


async def _try_chat(gateway: Gateway, model: str) -> tuple[Exchange, str]:
    gateway.facts = Facts(model=model)
    chat = await gateway.chat()
    if chat.status in (400, 422):
        old = await gateway.chat(max_completion_tokens=ABSENT, max_tokens=16)
        if old.ok:
            return old, "max_tokens"
    return chat, "max_completion_tokens"


def _speaks_openai(exchange: Exchange | None) -> bool:
    """Whether an answer shows that something like this API is there, working or not."""
    if exchange is None or not exchange.response:
        return False
    if exchange.ok:
        return exchange.is_json
    if exchange.status >= 500 or exchange.status in BUSY_OR_DENIED:
        return True
    if not exchange.is_json or not isinstance(exchange.json, dict):
        return False
    return exchange.status not in (404, 405) or "error" in exchange.json or "model" in _words(exchange)


def _both_missing(models: Exchange | None, chat: Exchange) -> bool:
    """Whether list and chat are refused in the same words, as any path below a wrong base URL is."""
    if models is None or models.status != chat.status or chat.status not in (400, 404, 405, 422):
        return False
    return _words(models) == _words(chat)


BUSY_OR_DENIED = (402, 429)


def _words(exchange: Exchange) -> str:
    """What a refusal says, without the method and the path that were asked for."""
    said = str(exchange.refusal).lower()
    return said.replace(urlsplit(exchange.request.url).path.lower(), "").replace(exchange.request.method.lower(), "")


def _blocked_by_failure(diagnosis: Diagnosis, target: Target, failure: Failure) -> None:
    trouble = "can't be reached" if failure.kind in ("connect", "tls") else "gives no answer"
    diagnosis.block("connect", f"{target.base_url} {trouble}: {failure.message}", _advice(failure))


def _advice(failure: Failure) -> str:
    """What to do about a target that can't be talked to."""
    for words, advice in _ADVICE.items():
        if words in failure.message:
            return advice
    match failure.kind:
        case "tls":
            return "give the CA with --ca-file, or --insecure for a test system"
        case "too-large":
            return "what is it that answers there?"
        case "timeout":
            return "is the gateway overloaded? --timeout gives it longer"
        case "protocol" | "closed":
            return "does the URL's scheme (http or https) fit this port?"
    return "is the gateway running, and are host and port right?"


_ADVICE = {
    "can't be resolved": "check the spelling of the host and this machine's DNS",
    "no TLS is spoken": "is it http:// there, rather than https://?",
    "is TLS, and no HTTP": "give the URL with https://",
    "certificate is not valid for": "give a name that its certificate has, or --insecure for a test system",
    "certificate has expired": "it needs a new one; --insecure judges a test system all the same",
}
"""By words of the failure's message."""


def _block_key(diagnosis: Diagnosis, target: Target, exchange: Exchange) -> None:
    if target.api_key:
        sentence = f"{target.base_url} refuses the API key (HTTP {exchange.status})"
        diagnosis.block("key", sentence, "check --api-key-env, --api-key or --api-key-command")
    else:
        sentence = f"{target.base_url} asks for an API key (HTTP {exchange.status})"
        diagnosis.block("key", sentence, "give one with --api-key-env VAR")


async def _block_path(diagnosis: Diagnosis, gateway: Gateway, models: Exchange | None) -> None:
    base, origin = gateway.target.base_url, gateway.target.origin
    advice = "give the base URL that clients use, the one that ends before /chat/completions"
    if diagnosis.facts.workspace:
        advice = f"is there a workspace {diagnosis.facts.workspace!r}? If so, {advice}"
    usual = gateway.profile.base_path.format(workspace=diagnosis.facts.workspace)
    for other in dict.fromkeys((base + usual, origin + usual, base + "/v1")):
        if other != base:
            answer = await gateway.get(f"{other.removeprefix(origin)}/models", from_origin=True)
            if answer.status in REFUSED or list(listed_ids(answer)):
                advice = f"{other} looks right: use that"
                break
    seen = models.seen if models is not None else "no answer that fits"
    if models is not None and models.ok and models.response and models.response.body.startswith(BOM):
        seen = "JSON behind a byte order mark, which must not be there"
        advice = "RFC 8259 section 8.1 forbids it, and clients in Go, Rust and Java can't read what follows"
    diagnosis.block("path", f"there is no OpenAI-compatible API at {base} (GET /models: {clip(seen, 90)})", advice)


def _workspace(target: Target, profile: Profile) -> str:
    """The workspace by option, else the path segment after "workspaces"."""
    if target.workspace:
        return target.workspace
    segments = urlsplit(target.base_url).path.split("/")
    if "workspaces" in segments[:-1]:
        return segments[segments.index("workspaces") + 1]
    if "{workspace}" in profile.base_path:
        usual = target.origin + profile.base_path.format(workspace="WORKSPACE")
        raise ConfigError(f"profile {profile.name} needs a workspace: give its base URL, such as {usual}")
    return ""


def _verified(target: Target) -> str:
    return "not verified (--insecure)" if target.insecure else "valid"
