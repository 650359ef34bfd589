"""Probes of the providers behind a gateway, and of their models."""

import asyncio
import secrets
import uuid
from collections.abc import Callable
from typing import Any

from conformance.exchange import Exchange
from conformance.probe import Phase, probe
from conformance.probes.auth import STAINLESS
from conformance.sending.doctor import listed_models
from conformance.sending.gateway import Gateway, segment, together

MAX_PROVIDERS = 20
MAX_MODELS = 5
READS = 3

Read = dict[str, Exchange | dict[str, Exchange]]


@probe()
async def providers(gateway: Gateway) -> Exchange:
    return await gateway.get("/providers")


@probe()
async def provider_reads(gateway: Gateway) -> list[Read]:
    """Three reads, one after another, of the providers, of each one's models ("own", by uuid), and of all models."""
    return [await _read(gateway, number) for number in range(READS)]


@probe()
async def provider_by_uuid(gateway: Gateway) -> dict[str, Exchange]:
    uuids = await _uuids(gateway)
    return await together({uuid: gateway.get(f"/providers/{segment(uuid)}") for uuid in uuids})


@probe()
async def models_of_unknown_provider(gateway: Gateway) -> Exchange:
    return await gateway.get(f"/providers/{uuid.uuid4()}/models")


@probe()
async def providers_without_key(gateway: Gateway) -> dict[str, Exchange]:
    """The provider endpoints with no key and with a wrong one."""
    paths = ["/providers", *(f"/providers/{segment(uuid)}/models" for uuid in (await _uuids(gateway))[:1])]
    wrong = f"gateproof.wrong.{secrets.token_hex(16)}"
    none = {f"{path}, no key": gateway.get(path, key=None, case="no key") for path in paths}
    return await together(none | {f"{path}, a wrong key": gateway.get(path, key=wrong, case="wrong") for path in paths})


@probe()
async def unknown_prefixed_models(gateway: Gateway) -> dict[str, Exchange]:
    """An unknown provider before a plausible model, known ones (a listed id's prefix, a name) before an unknown."""
    nonce = secrets.token_hex(6)
    names = [f"gateproof-nosuch-{nonce}/gpt-4o"]
    names += [f"{id.partition('/')[0]}/nosuch-{nonce}" for id in gateway.facts.listed if "/" in id][:1]
    names += [f"{name}/nosuch-{nonce}" for name in await _listed(gateway, "name")][:1]
    return await together(
        {f'model "{name}"': gateway.chat({"case": name}, model=name) for name in dict.fromkeys(names)}
    )


async def _read(gateway: Gateway, number: int) -> Read:
    """One read of all lists; which providers are asked is what the first read says."""
    paths = {uuid: f"/providers/{segment(uuid)}/models" for uuid in await _uuids(gateway)}
    return {
        "providers": await gateway.get("/providers", repeat=number),
        "own": await together({uuid: gateway.get(path, repeat=number) for uuid, path in paths.items()}),
        "models": await gateway.get("/models", repeat=number),
    }


async def _uuids(gateway: Gateway) -> list[str]:
    return (await _listed(gateway, "uuid"))[:MAX_PROVIDERS]


async def _listed(gateway: Gateway, key: str) -> list[str]:
    """This member of each listed provider, where it is a word; none if the list can't be read, which others judge."""
    answer = await gateway.get("/providers")
    if not (answer.ok and answer.is_json and isinstance(answer.json, dict)):
        return []
    rows = answer.json.get("data")
    found = [row.get(key) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return list(dict.fromkeys(value for value in found if isinstance(value, str) and value))


@probe(phase=Phase.HOSTILE)
async def models_of_malformed_provider(gateway: Gateway) -> dict[str, Exchange]:
    ids = {"not-a-uuid": "not-a-uuid", "0": "0", "an encoded path": "..%2f..%2fproviders", "300 characters": "a" * 300}
    return await together({case: gateway.get(f"/providers/{id}/models", case=case) for case, id in ids.items()})


@probe()
async def ids_with_a_slash(gateway: Gateway) -> dict[str, dict[str, Exchange]]:
    """Up to five listed ids with a slash, the model under test first, each at every inference endpoint."""
    listed = [id for id in gateway.facts.listed if "/" in id]
    ids = sorted(dict.fromkeys(listed), key=lambda id: id != gateway.facts.model)[:MAX_MODELS]
    return await _addressed(gateway, ids)


@probe()
async def models_by_alias(gateway: Gateway) -> dict[str, dict[str, Exchange]]:
    """Up to five listed models by the alias, or by the id where they have none, each at every inference endpoint."""
    rows = listed_models(await gateway.get("/models"))
    aliases = [row["alias"] for row in rows if isinstance(row.get("alias"), str) and row["alias"]]
    ids = [row["id"] for row in rows if not row.get("alias")]
    return await _addressed(gateway, list(dict.fromkeys(aliases + ids))[:MAX_MODELS])


@probe()
async def models_at_every_service(gateway: Gateway) -> dict[str, dict[str, Exchange]]:
    """The model under test and three more listed ones at every inference endpoint, whether they offer it or not."""
    ids = list(dict.fromkeys([gateway.facts.model, *reversed(gateway.facts.listed)]))[:4]
    return await _addressed(gateway, ids)


@probe()
async def base_url_both_ways(gateway: Gateway) -> dict[str, Exchange]:
    """List and chat as openai-python asks for them, given the base URL with and without a slash at its end."""
    base = gateway.target.base_url.removeprefix(gateway.target.origin)
    tries = {}
    for told, written in (("without a slash", base), ("with a slash", base + "/")):
        joined = written if written.endswith("/") else written + "/"
        asked: dict[str, Any] = {"from_origin": True, "headers": STAINLESS, "case": told}
        tries[f"{told}, models.list"] = gateway.get(joined + "models", **asked)
        tries[f"{told}, chat.completions.create"] = gateway.post(
            joined + "chat/completions", gateway.chat_body(), **asked
        )
    return await together(tries)


async def _addressed(gateway: Gateway, ids: list[str]) -> dict[str, dict[str, Exchange]]:
    """By id, the answers of each inference endpoint that the gateway has."""
    bodies: dict[str, tuple[str, Callable[..., dict[str, Any]]]] = {
        "chat": ("/chat/completions", gateway.chat_body),
        "completions": ("/completions", lambda model: {"model": model, "prompt": "one", "max_tokens": 4}),
        "embeddings": ("/embeddings", lambda model: {"model": model, "input": "one"}),
    }
    asked = {name: found for name, found in bodies.items() if name not in gateway.target.without}
    tries = [together({name: gateway.post(path, body(model=id)) for name, (path, body) in asked.items()}) for id in ids]
    return dict(zip(ids, await asyncio.gather(*tries), strict=True))
