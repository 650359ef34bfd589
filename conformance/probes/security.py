"""Probes of what a client could do on purpose: inject headers, pass for another model, another machine or another
tenant, and make two readers of one request disagree."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from conformance.exchange import Exchange, Unusable
from conformance.probe import Phase, probe
from conformance.probes.embeddings import embeddings_tries
from conformance.probes.errors import offered, unserved_model
from conformance.sending.gateway import Gateway, together, user

INJECTED = "X-Gateproof-Injected"
LINE = f"gateproof\r\n{INJECTED}: 1"
ELSEWHERE = "gateproof.invalid"
FORWARDED = {
    "Forwarded": f'for=203.0.113.9;host="{ELSEWHERE}";proto=https',
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Host": ELSEWHERE,
    "X-Forwarded-Port": "8443",
    "X-Forwarded-Prefix": f"/{ELSEWHERE}",
    "X-Forwarded-Proto": "https",
}
IDENTITY = {
    "X-Auth-Request-User": "gateproof-admin",
    "X-Consumer-Username": "gateproof-admin",
    "X-Forwarded-Email": "gateproof-admin@gateproof.invalid",
    "X-Forwarded-User": "gateproof-admin",
    "X-Remote-User": "gateproof-admin",
    "X-User-Id": "gateproof-admin",
}
LOCAL = {
    "X-Forwarded-For": "127.0.0.1",
    "X-Original-URL": "/health",
    "X-Real-IP": "127.0.0.1",
    "X-Rewrite-URL": "/health",
}
PAGES = ("/metrics", "/config", "/key/list", "/keys", "/logs", "/debug/vars", "/debug/pprof/cmdline", "/actuator/env")
PAGES_BELOW = ("/keys", "/config")
CYRILLIC = dict(zip("aceopxyisjABCEHKMOPTX", "асеорхуіѕјАВСЕНКМОРТХ", strict=True))
URLS = {
    "a file that there is": "file:///etc/hostname",
    "a file that there is not": "file:///gateproof-no-such-file",
    "a host that there is not": f"http://{ELSEWHERE}/x.png",
}


@probe(phase=Phase.HOSTILE)
async def header_injection(gateway: Gateway) -> dict[str, Exchange]:
    """Values with a line break and a header line behind it, in a body and in a path."""
    return await together(
        {
            "user": gateway.chat(user=LINE),
            "user, streamed": gateway.stream(user=LINE),
            "model": gateway.chat(model=f"{unserved_model(gateway)}\r\n{INJECTED}: 1"),
            "path": gateway.get(f"/models/{quote(LINE, safe='')}"),
        }
    )


@probe(phase=Phase.HOSTILE)
async def look_alike_models(gateway: Gateway) -> dict[str, Exchange]:
    """Chats with a model whose id only looks like that of the one under test; at the other endpoints one of them."""
    elsewhere = await _elsewhere(gateway, "fullwidth", _wide)
    asked = {case: gateway.chat({"case": case}, model=id) for case, id in _look_alikes(gateway).items()}
    if wide := _look_alikes(gateway).get("fullwidth"):
        asked["fullwidth, streamed"] = gateway.stream(model=wide)
    return await together(asked | elsewhere)


@probe(phase=Phase.HOSTILE)
async def padded_models(gateway: Gateway) -> dict[str, Exchange]:
    """Chats with white space around the id of the model under test; at the other endpoints one of them."""
    model = gateway.facts.model
    padded = {"a blank in front": f" {model}", "a blank behind": f"{model} ", "a tab behind": f"{model}\t"}
    padded |= {"a line feed behind": f"{model}\n", "a no-break space behind": f"{model}\xa0"}
    elsewhere = await _elsewhere(gateway, "a blank behind", lambda id: f"{id} ")
    asked = {case: gateway.chat({"case": case}, model=id) for case, id in padded.items()}
    asked["a blank behind, streamed"] = gateway.stream(model=f"{model} ")
    return await together(asked | elsewhere)


@probe(phase=Phase.HOSTILE)
async def ambiguous_framing(gateway: Gateway) -> dict[str, list[Exchange]]:
    """Requests whose length is told in two ways, each followed by another on its connection. By either reading they end
    where they end, save for an empty line, so that nobody else's request is touched."""
    chat = (await offered(gateway))[0]
    body = chat.having(model=unserved_model(gateway))
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    both = (("Content-Length", str(len(chunked))), ("Transfer-Encoding", "chunked"))
    two = (("Content-Length", str(len(body))), ("Content-Length", str(len(body) + 2)))
    after = gateway.as_bytes("GET", "/models", extra=(("Connection", "close"),))
    sent = {
        "a length and chunks": gateway.as_bytes("POST", chat.path, chunked, both),
        "two lengths": gateway.as_bytes("POST", chat.path, body + b"\r\n", two),
    }
    return {case: await gateway.raw([data, after], ["POST", "GET"]) for case, data in sent.items()}


@probe(phase=Phase.HOSTILE)
async def images_from_elsewhere(gateway: Gateway) -> dict[str, Exchange]:
    """Images that a gateway would have to read from its own disk, or from a host that does not exist."""

    def message(url: str) -> list[dict[str, Any]]:
        return [user([{"type": "text", "text": "Reply with OK."}, {"type": "image_url", "image_url": {"url": url}}])]

    return await together({case: gateway.chat({"case": case}, messages=message(url)) for case, url in URLS.items()})


@probe()
async def models_of_other_workspace(gateway: Gateway) -> dict[str, Exchange]:
    """The model under test, asked for in the workspace that the user named as empty."""
    empty, ours = gateway.target.empty_workspace, gateway.facts.workspace
    if not empty:
        raise Unusable("no empty workspace is named (--empty-workspace)")
    base = gateway.target.base_url.removeprefix(gateway.target.origin)
    there = f"{base}/".replace(f"/{ours}/", f"/{empty}/").rstrip("/")
    if there == base:
        raise Unusable(f"the base URL does not name the workspace {ours!r}, so no other can be asked")
    bodies = {"plain": gateway.chat_body(), "streamed": gateway.chat_body(stream=True)}
    return await together(
        {case: gateway.post(f"{there}/chat/completions", body, from_origin=True) for case, body in bodies.items()}
    )


@probe()
async def forged_origin(gateway: Gateway) -> dict[str, Exchange]:
    """The list, and a path with a trailing slash, as if a proxy had passed them on from another host or for another
    user; and the list under another Host."""
    return await together(
        {
            "X-Forwarded headers": gateway.get("/models", headers=FORWARDED),
            "X-Forwarded-User and the like": gateway.get("/models", headers=IDENTITY),
            "X-Forwarded headers, trailing slash": gateway.get("/models/", headers=FORWARDED),
            "another Host": gateway.get("/models", headers={"Host": ELSEWHERE}, obey=False),
            "another Host, trailing slash": gateway.get("/models/", headers={"Host": ELSEWHERE}, obey=False),
        }
    )


@probe(phase=Phase.HOSTILE)
async def pages_without_key(gateway: Gateway) -> dict[str, Exchange]:
    """Well-known paths for who runs a gateway, asked for without a key when some chats have been answered."""
    if not gateway.target.api_key:
        raise Unusable("no API key is given")
    asked = {f"GET {path}": gateway.get(path, key=None, from_origin=True, obey=False) for path in PAGES}
    asked |= {f"GET {path} below the base": gateway.get(path, key=None, obey=False) for path in PAGES_BELOW}
    return await together(asked)


@probe(phase=Phase.HOSTILE)
async def identities_without_key(gateway: Gateway) -> dict[str, Exchange]:
    """The smallest chat without a key, but with headers by which a proxy tells who is calling, and from where."""
    if not gateway.target.api_key:
        raise Unusable("no API key is given")
    sent = {"X-Forwarded-User and the like": IDENTITY, "a local address": LOCAL}
    return await together({case: gateway.chat({"key": None, "headers": each}) for case, each in sent.items()})


async def _elsewhere(gateway: Gateway, case: str, change: Callable[[str], str]) -> dict[str, Awaitable[Exchange]]:
    """The same at the other endpoints, each with its own model: for embeddings the first that was found to embed."""
    posts = (await offered(gateway))[1:]
    embedded = await embeddings_tries(gateway) if any(post.name == "embeddings" for post in posts) else []
    found: dict[str, Awaitable[Exchange]] = {}
    for post in posts:
        tries = embedded if post.name == "embeddings" else []
        model = next((x.sent["model"] for x in tries if x.ok), post.body["model"])
        found[f"{case} at {post.path}"] = gateway.post(post.path, post.body | {"model": change(model)})
    return found


def _look_alikes(gateway: Gateway) -> dict[str, str]:
    """By what they differ in: ids that look like that of the model under test, as far as it has such letters, and none
    of which is listed."""
    id = gateway.facts.model
    cyrillic = next((n for n in range(len(id) - 1, -1, -1) if id[n] in CYRILLIC), None)
    found = {
        "fullwidth": _wide(id),
        "Cyrillic": id if cyrillic is None else id[:cyrillic] + CYRILLIC[id[cyrillic]] + id[cyrillic + 1 :],
        "another hyphen": id.replace("-", "\u2011"),
        "zero width": f"{id[:-1]}\u200b{id[-1:]}",
        "invisible in front": f"\ufeff{id}",
        "another case": id.swapcase(),
    }
    return {case: other for case, other in found.items() if other != id and other not in gateway.facts.listed}


def _wide(id: str) -> str:
    """With its last ASCII letter or digit in full width."""
    place = next((n for n in range(len(id) - 1, -1, -1) if id[n].isascii() and id[n].isalnum()), None)
    return id if place is None else f"{id[:place]}{chr(ord(id[place]) + 0xFEE0)}{id[place + 1 :]}"
