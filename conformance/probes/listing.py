"""Probes of the model list and of single models."""

import asyncio
import secrets
from typing import Any
from urllib.parse import quote

from conformance.exchange import Exchange, Unusable
from conformance.probe import Phase, probe
from conformance.sending.doctor import listed_models
from conformance.sending.gateway import NOWHERE, Gateway, segment, together

MAX_ASKED = 8
ODD_IDS = {
    "space": "a%20b",
    "emoji": quote("\N{GRINNING FACE}"),
    "percent": "%25",
    "long": "a" * 5000,
    "dots": "..%2F..%2Fetc%2Fpasswd",
    "nul": "a%00b",
    "newline": "a%0Ab",
}


@probe()
async def models(gateway: Gateway) -> Exchange:
    return await gateway.get("/models")


@probe()
async def models_again(gateway: Gateway) -> list[Exchange]:
    """The list, read four more times: a deployment that changes in between is told from a list that flickers."""
    return [await gateway.get("/models", repeat=n) for n in range(5)]


@probe()
async def models_with_content_type(gateway: Gateway) -> Exchange:
    """The documented curl line of watsonx.ai: a GET that carries a Content-Type and no body."""
    return await gateway.get("/models", headers={"Content-Type": "application/json"})


@probe()
async def models_with_query(gateway: Gateway) -> dict[str, Exchange]:
    queries = {"unknown parameter": "?conformance=1", "limit that is no number": "?limit=abc"}
    return await together({case: gateway.get("/models" + query, case=case) for case, query in queries.items()})


@probe()
async def listed_models_asked(gateway: Gateway) -> dict[str, list[Exchange]]:
    """Up to eight listed models, the first and the last among them, by id: each at the inference endpoints, chat first,
    until one of them serves it."""

    async def tries(id: str) -> list[Exchange]:
        bodies: dict[str, dict[str, Any]] = {
            "chat": gateway.chat_body(model=id),
            "embeddings": {"model": id, "input": "one"},
            "completions": {"model": id, "prompt": "one", "max_tokens": 4},
        }
        found: list[Exchange] = []
        for name, body in bodies.items():
            if name not in gateway.target.without and not (found and found[-1].ok):
                path = "/chat/completions" if name == "chat" else f"/{name}"
                found.append(await gateway.post(path, body, case=id))
        return found

    ids = _spread(list(dict.fromkeys(gateway.facts.listed)), MAX_ASKED)
    return dict(zip(ids, await asyncio.gather(*(tries(id) for id in ids)), strict=True))


@probe()
async def models_trailing_slash(gateway: Gateway) -> Exchange:
    return await gateway.get("/models/")


@probe()
async def models_of_empty_workspace(gateway: Gateway) -> Exchange:
    """The list of the workspace that the user named as empty."""
    empty, ours = gateway.target.empty_workspace, gateway.facts.workspace
    if not empty:
        raise Unusable("no empty workspace is named (--empty-workspace)")
    path = gateway.target.base_url.removeprefix(gateway.target.origin)
    return await gateway.get(path.replace(f"/{ours}/", f"/{empty}/") + "/models", from_origin=True)


async def model_by_id(gateway: Gateway) -> Exchange:
    """The model under test, its id percent-encoded as one path segment, as the SDKs send it."""
    return await gateway.get(f"/models/{segment(_listed(gateway))}")


@probe()
async def models_by_id(gateway: Gateway) -> dict[str, list[Exchange]]:
    """Up to four listed models, ids with a slash first: each by every name that the dialect may know it by."""
    _listed(gateway)
    rows = {row["id"]: row for row in listed_models(await gateway.get("/models"))}
    ids = sorted(rows, key=lambda id: "/" not in id)[:4]

    async def tries(row: dict[str, Any]) -> list[Exchange]:
        names = [row[key] for key in gateway.profile.expect.retrieve_by if isinstance(row.get(key), str) and row[key]]
        sent = {name: gateway.get(f"/models/{segment(name)}", case=name) for name in dict.fromkeys(names)}
        return list((await together(sent)).values())

    return dict(zip(ids, await asyncio.gather(*(tries(rows[id]) for id in ids)), strict=True))


@probe()
async def slash_model_by_id(gateway: Gateway) -> Exchange | None:
    """A listed id with a slash, which is written literally; None when no id has one."""
    id = next((id for id in gateway.facts.listed if "/" in id), None)
    return None if id is None else await gateway.get(f"/models/{segment(id, '/')}")


@probe()
async def unknown_model_by_id(gateway: Gateway) -> Exchange:
    return await gateway.get(f"/models/{segment(gateway.unknown_model())}")


@probe()
async def model_by_swapped_case(gateway: Gateway) -> Exchange | None:
    """The id of the model under test with the case of its last letter swapped; None if that gives no other model."""
    id = _listed(gateway)
    place = next((n for n in range(len(id) - 1, -1, -1) if id[n].isascii() and id[n].isalpha()), None)
    swapped = id if place is None else id[:place] + id[place].swapcase() + id[place + 1 :]
    return None if swapped in gateway.facts.listed else await gateway.get(f"/models/{segment(swapped)}")


@probe()
async def model_by_cut_id(gateway: Gateway) -> Exchange | None:
    """The id of the model under test without its last character; None if that is no other model's, or no id at all."""
    id = _listed(gateway)[:-1]
    return None if not id or id in gateway.facts.listed else await gateway.get(f"/models/{segment(id)}")


@probe()
async def delete_unknown_model(gateway: Gateway) -> Exchange:
    """Deletes a model that does not exist; never a real one."""
    return await gateway.send("DELETE", f"/models/gateproof-{secrets.token_hex(8)}")


@probe()
async def unknown_path(gateway: Gateway) -> Exchange:
    return await gateway.get(NOWHERE)


@probe(phase=Phase.HOSTILE)
async def odd_model_ids(gateway: Gateway) -> dict[str, Exchange]:
    return await together({case: gateway.get(f"/models/{id}", case=case) for case, id in ODD_IDS.items()})


@probe(phase=Phase.HOSTILE)
async def chat_after_odd_model_ids(gateway: Gateway) -> Exchange:
    await odd_model_ids(gateway)
    return await gateway.chat({"repeat": "after odd ids"})


def _spread(ids: list[str], most: int) -> list[str]:
    """So many of them, evenly, with both ends."""
    if len(ids) <= most:
        return ids
    return [ids[round(n * (len(ids) - 1) / (most - 1))] for n in range(most)]


def _listed(gateway: Gateway) -> str:
    """The model under test as the list spells it. Raises Unusable when the list holds no ids."""
    if not gateway.facts.listed:
        raise Unusable("GET /models gives no model ids")
    return gateway.facts.model if gateway.facts.model in gateway.facts.listed else gateway.facts.listed[0]
