"""Probes of the ways to a model beside the one by `model` in the body: by its entity, by a provider, by paths that are
none, and through the list of what is configured."""

import re
from itertools import islice
from typing import Any

from conformance import names
from conformance.exchange import Exchange, Unusable
from conformance.probe import probe
from conformance.probes.names import own_workspace, seeded, served_id
from conformance.sending.doctor import listed_ids
from conformance.sending.gateway import Gateway, together
from conformance.shape import show

MAX_PROVIDERS = 5
MAX_MODELS = 5
MAX_PAGES = 20

Tries = dict[str, Exchange]


@probe()
async def chat_by_entity_route(gateway: Gateway) -> Tries:
    """A plain and a streamed chat at a served entity's own base URL, and one whose body names a vendor's id."""
    id = served_id(gateway)
    path = _entity_route(gateway, id.partition("/")[2])
    return await together(
        {
            f"model {show(id)}": _chat(gateway, path, model=id),
            f"model {show(names.VENDOR)}": _chat(gateway, path, model=names.VENDOR),
            f"model {show(id)}, streamed": _chat(gateway, path, model=id, stream=True),
        }
    )


@probe()
async def chat_by_provider_route(gateway: Gateway) -> Tries:
    """A plain and a streamed chat at a provider's own base URL, with the model's name there."""
    provider, model = await _upstream(gateway) or await _any_upstream(gateway)
    path = gateway.path("provider", provider=provider)
    return await together(
        {
            f"model {show(model)} at provider {provider}": _chat(gateway, path, model=model),
            f"model {show(model)} at provider {provider}, streamed": _chat(gateway, path, model=model, stream=True),
        }
    )


@probe()
async def chat_by_three_routes(gateway: Gateway) -> Tries:
    """The same messages to the same model by each route; by a provider's only where its name for the model is known."""
    id = served_id(gateway)
    asked = {
        "by the model in the body": gateway.chat(model=id),
        "by entity": _chat(gateway, _entity_route(gateway, id.partition("/")[2]), model=id),
    }
    if found := await _upstream(gateway):
        provider, model = found
        asked["by provider"] = _chat(gateway, gateway.path("provider", provider=provider), model=model)
    return await together(asked)


@probe()
async def unknown_routes(gateway: Gateway) -> Tries:
    """Routes to an entity and to a provider that nobody has."""
    seed, chance = seeded()
    name = f"zz-gateproof-{names.word(chance)}"
    return await _at_both_routes(gateway, {name: seed})


@probe()
async def ill_formed_routes(gateway: Gateway) -> Tries:
    """Routes to an entity and to a provider whose name can be none."""
    seed, chance = seeded()
    return await _at_both_routes(
        gateway, {f"A_{names.word(chance)}": seed, names.word(chance, 64): seed, f"ab {names.word(chance)}": seed}
    )


@probe()
async def provider_readiness(gateway: Gateway) -> Tries:
    """Whether a provider is ready: one that serves a model, and one that nobody has."""
    _, chance = seeded()
    provider, _ = await _upstream(gateway) or await _any_upstream(gateway)
    unknown = f"zz-gateproof-{names.word(chance)}"
    return await together(
        {
            case: gateway.get(gateway.path("provider_ready", provider=name), from_origin=True)
            for case, name in (("serving", provider), ("unknown", unknown))
        }
    )


@probe()
async def wrong_base_paths(gateway: Gateway) -> Tries:
    """List and chat below base paths that differ from the right one in one place."""
    tries, model = {}, served_id(gateway)
    for case, template in gateway.profile.wrong_paths.items():
        path = gateway.filled(template)
        tries[f"{case}, GET /models"] = gateway.get(path + "/models", from_origin=True)
        tries[f"{case}, a chat"] = _chat(gateway, path, model=model)
    return await together(tries)


@probe()
async def other_workspaces(gateway: Gateway) -> dict[str, Tries]:
    """List and chat in workspaces whose name can be none ("ill-formed"), and in one that is not there ("unknown")."""
    _, chance = seeded()
    entity = served_id(gateway).partition("/")[2]
    found = {}
    for kind, workspaces in (
        ("ill-formed", ("a", "UPPER", "ab cd")),
        ("unknown", (f"zz-gateproof-{names.word(chance)}",)),
    ):
        tries = {}
        for workspace in workspaces:
            path = gateway.filled(gateway.profile.base_path, workspace=workspace)
            tries[f"workspace {workspace}, GET /models"] = gateway.get(path + "/models", from_origin=True)
            tries[f"workspace {workspace}, a chat"] = _chat(gateway, path, model=f"{workspace}/{entity}")
        found[kind] = await together(tries)
    return found


@probe()
async def encoded_workspace(gateway: Gateway) -> Exchange:
    """The model list, the first letter of the workspace percent-encoded."""
    workspace = own_workspace(gateway)
    encoded = f"%{ord(workspace[0]):02X}{workspace[1:]}"
    path = gateway.filled(gateway.profile.base_path.replace("{workspace}", encoded))
    return await gateway.get(path + "/models", from_origin=True)


@probe()
async def configured_models(gateway: Gateway) -> list[Exchange]:
    """All pages of the list of what is configured."""
    path = gateway.path("configured_models")
    pages = [await gateway.get(path, from_origin=True)]
    for number in range(2, min(_total_pages(pages[0]), MAX_PAGES) + 1):
        pages.append(await gateway.get(f"{path}?page={number}", from_origin=True))
    return pages


@probe()
async def first_configured_model(gateway: Gateway) -> Exchange:
    """The same list, asked for one entry."""
    return await gateway.get(gateway.path("configured_models") + "?page=1&page_size=1", from_origin=True)


@probe()
async def chat_with_configured_only(gateway: Gateway) -> Tries:
    """Chats with up to three entities that are configured and not listed as ready to serve."""
    workspace = own_workspace(gateway)
    ids = [f"{workspace}/{row['name']}" for page in await configured_models(gateway) for row in rows(page)]
    idle = [id for id in ids if id not in gateway.facts.listed][:3]
    return await together({f"model {show(id)}": gateway.chat(model=id) for id in idle})


def rows(page: Exchange) -> list[dict[str, Any]]:
    """The named entries of one of the platform's lists; none if it can't be read, which others judge."""
    body = page.json if page.ok and page.is_json else None
    data = body.get("data") if isinstance(body, dict) else None
    found = [row for row in data if isinstance(row, dict)] if isinstance(data, list) else []
    return [row for row in found if isinstance(row.get("name"), str) and row["name"]]


async def _upstream(gateway: Gateway) -> tuple[str, str] | None:
    """A provider of the entity under test (the one that was given, if one was), and what it calls it: by the list of
    providers, else by the list of the provider's own models. None where neither tells."""
    id = served_id(gateway)
    given = gateway.target.provider
    listed = rows(await gateway.get(gateway.path("configured_providers"), from_origin=True))
    known = [row for row in listed if given in (None, row["name"])]
    for row in sorted(known, key=lambda row: row.get("status") != "READY"):
        served = row.get("served_models")
        for entry in served if isinstance(served, list) else []:
            if isinstance(entry, dict) and entry.get("model_entity_id") == id:
                return row["name"], str(entry.get("served_model_name"))
    for name in [given] if given else [row["name"] for row in known[:MAX_PROVIDERS]]:
        for model in listed_ids(await _own_models(gateway, name)):
            if _as_entity(model) == id.partition("/")[2]:
                return name, model
    return None


async def _any_upstream(gateway: Gateway) -> tuple[str, str]:
    """The provider that was given, and the first model of its own list with which it chats. Raises Unusable."""
    given, id = gateway.target.provider, served_id(gateway)
    if not given:
        raise Unusable(f"no provider is known to serve {id} (name one with --provider)")
    listed = await _own_models(gateway, given)
    path = gateway.path("provider", provider=given)
    for model in islice(listed_ids(listed), MAX_MODELS):
        if (await _chat(gateway, path, model=model)).ok:
            return given, model
    raise Unusable(
        f"what the provider {given} calls {id} is not known, and it chats with none of its own models "
        f"(GET {path}/models: {listed.seen})"
    )


async def _own_models(gateway: Gateway, provider: str) -> Exchange:
    return await gateway.get(gateway.path("provider", provider=provider) + "/models", from_origin=True)


def _as_entity(model: str) -> str:
    """A provider's name of a model as entities are named after it."""
    return re.sub(r"[^a-z0-9]+", "-", model.lower()).strip("-")


async def _at_both_routes(gateway: Gateway, named: dict[str, str]) -> Tries:
    tries = {}
    for name, seed in named.items():
        for route, path in (
            ("entity", _entity_route(gateway, name)),
            ("provider", gateway.path("provider", provider=name)),
        ):
            tries[f"{route} {show(name)}"] = _chat(gateway, path, f"{route}, seed {seed}", model=served_id(gateway))
    return await together(tries)


def _entity_route(gateway: Gateway, entity: str) -> str:
    return gateway.path("model_entity", entity=entity)


async def _chat(gateway: Gateway, path: str, case: str = "", **fields: Any) -> Exchange:
    """The smallest chat below another base path."""
    body = gateway.chat_body(**fields)
    return await gateway.post(f"{path}/chat/completions", body, from_origin=True, case=case)


def _total_pages(page: Exchange) -> int:
    body = page.json if page.ok and page.is_json else None
    pagination = body.get("pagination") if isinstance(body, dict) else None
    total = pagination.get("total_pages") if isinstance(pagination, dict) else None
    return total if isinstance(total, int) else 1
