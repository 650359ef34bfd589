"""Probes of the providers behind a gateway, and of their models."""

import secrets
import uuid
from urllib.parse import quote

from conformance.exchange import Exchange
from conformance.gateway import Gateway, together
from conformance.probe import probe

MAX_PROVIDERS = 20
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
    return await together({uuid: gateway.get(f"/providers/{quote(uuid, safe='')}") for uuid in uuids})


@probe()
async def models_of_unknown_provider(gateway: Gateway) -> Exchange:
    return await gateway.get(f"/providers/{uuid.uuid4()}/models")


@probe()
async def providers_without_key(gateway: Gateway) -> dict[str, Exchange]:
    """The provider endpoints with no key and with a wrong one."""
    paths = ["/providers", *(f"/providers/{quote(uuid, safe='')}/models" for uuid in (await _uuids(gateway))[:1])]
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
    paths = {uuid: f"/providers/{quote(uuid, safe='')}/models" for uuid in await _uuids(gateway)}
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
