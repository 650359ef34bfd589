"""Probes of paths that are written in another way, and of endpoints beside the usual ones: who gets in, and how."""

from collections.abc import Awaitable

from conformance.exchange import Exchange, Unusable
from conformance.probe import Phase, probe
from conformance.probes.auth import wrong_key_of
from conformance.probes.errors import unserved_model
from conformance.sending.gateway import NOWHERE, Gateway, together

PLAIN = "the plain path"
TRICKS = {
    "a doubled slash": "{base}//chat/completions",
    "a doubled slash in front": "/{base}/chat/completions",
    "a dot segment": "{base}/./chat/completions",
    "a parent segment": "{base}/models/../chat/completions",
    "an encoded letter": "{base}/%63hat/completions",
    "an encoded slash": "{base}/chat%2Fcompletions",
    "a path parameter": "{base}/chat;x=1/completions",
}
LISTS = ("/files", "/batches", "/fine_tuning/jobs", "/assistants")
OTHERS = ("/responses", "/moderations", "/images/generations", "/audio/speech", "/rerank", "/messages")
"""Endpoints that a gateway may have beside those that are judged: lists, and those that a body is posted to."""


@probe(phase=Phase.HOSTILE)
async def path_tricks(gateway: Gateway) -> dict[str, Exchange]:
    """Chats with an unknown model, at spellings of the path."""
    return await _at_tricks(gateway, unserved_model(gateway))


@probe(phase=Phase.HOSTILE)
async def path_tricks_without_key(gateway: Gateway) -> dict[str, Exchange]:
    """The smallest chat without a key, at the same and at the plain path. Nothing where keys are not judged."""
    if not gateway.target.api_key:
        return {}
    at_tricks = await _at_tricks(gateway, gateway.facts.model, without=True)
    return at_tricks | {PLAIN: await gateway.chat({"key": None})}


@probe()
async def slashes_without_key(gateway: Gateway) -> dict[str, Exchange]:
    """Valid requests with a trailing slash on their path and no right key."""
    wrong = wrong_key_of(gateway)
    return await together(
        {
            "GET /models/, no key": gateway.get("/models/", key=None),
            "GET /models/, a wrong key": gateway.get("/models/", key=wrong),
            "POST /chat/completions/, no key": gateway.post("/chat/completions/", gateway.chat_body(), key=None),
        }
    )


@probe()
async def unknown_path_without_key(gateway: Gateway) -> Exchange:
    _with_key(gateway)
    return await gateway.get(NOWHERE, key=None)


@probe(phase=Phase.HOSTILE)
async def other_endpoints_without_key(gateway: Gateway) -> dict[str, Exchange]:
    """What else a gateway may offer, asked for without a key: lists, and empty bodies, which can't create anything."""
    _with_key(gateway)
    asked: dict[str, Awaitable[Exchange]] = {f"GET {path}": gateway.get(path, key=None) for path in LISTS}
    asked |= {f"POST {path}": gateway.post(path, {}, key=None) for path in OTHERS}
    return await together(asked)


async def _at_tricks(gateway: Gateway, model: str, *, without: bool = False) -> dict[str, Exchange]:
    base = gateway.target.base_url.removeprefix(gateway.target.origin)
    key = {"key": None} if without else {}
    return await together(
        {
            case: gateway.post(
                path.format(base=base), gateway.chat_body(model=model), from_origin=True, case=case, **key
            )
            for case, path in TRICKS.items()
        }
    )


def _with_key(gateway: Gateway) -> None:
    if not gateway.target.api_key:
        raise Unusable("no API key is given")
