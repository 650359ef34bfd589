"""Probes of the naming rule: chats whose model is a good or a bad name. Good ones are unregistered: no model is called.

Results are by the id that was sent, in words. The random part of a name is drawn with the seed in its exchange's label.
"""

import random
import secrets
from asyncio import gather
from collections.abc import Awaitable
from typing import Any

from conformance import names
from conformance.exchange import Exchange, Unusable
from conformance.probe import Phase, probe
from conformance.sending.gateway import Gateway, segment, together
from conformance.shape import show

Tries = dict[str, Exchange]


@probe()
async def chat_by_listed_name(gateway: Gateway) -> Exchange:
    """The smallest chat with a listed model, named as workspace/entity."""
    return await gateway.chat(model=served_id(gateway))


@probe()
async def stream_by_listed_name(gateway: Gateway) -> Exchange:
    return await gateway.stream(model=served_id(gateway))


@probe()
async def vendor_name(gateway: Gateway) -> Exchange:
    return await gateway.chat(model=names.VENDOR)


@probe()
async def unregistered_names(gateway: Gateway) -> Tries:
    seed, chance = seeded()
    return await _tried(
        gateway, seed, {f"{own_workspace(gateway)}/zz-gateproof-{names.word(chance)}": "" for _ in range(2)}
    )


@probe()
async def names_by_length(gateway: Gateway) -> dict[str, Tries]:
    """Names of letters and digits: those of a good length and those of a bad one. Listed names are not tried."""
    seed, chance = seeded()
    found: dict[str, Tries] = {names.Standing.VALID: {}, names.Standing.INVALID: {}}
    for length in names.LENGTHS:
        drawn = (names.word(chance, length) for _ in range(100))
        name = next(name for name in drawn if f"{own_workspace(gateway)}/{name}" not in gateway.facts.listed)
        id = f"{own_workspace(gateway)}/{name}"
        found[names.standing(name)] |= await _tried(gateway, seed, {id: f"{length} characters"})
    return found


@probe()
async def names_upper(gateway: Gateway) -> Tries:
    return await _ill_formed(gateway, "upper")


@probe()
async def names_underscore(gateway: Gateway) -> Tries:
    return await _ill_formed(gateway, "underscore")


@probe()
async def names_dot(gateway: Gateway) -> Tries:
    return await _ill_formed(gateway, "dot")


@probe()
async def names_punctuation(gateway: Gateway) -> Tries:
    return await _ill_formed(gateway, "punctuation")


@probe(phase=Phase.HOSTILE)
async def names_whitespace(gateway: Gateway) -> Tries:
    return await _ill_formed(gateway, "whitespace")


@probe(phase=Phase.HOSTILE)
async def names_lookalike(gateway: Gateway) -> Tries:
    return await _ill_formed(gateway, "lookalike")


@probe()
async def names_percent(gateway: Gateway) -> Tries:
    return await _ill_formed(gateway, "percent")


@probe()
async def ids_with_slashes(gateway: Gateway) -> Tries:
    return await _whole_ids(gateway, names.SLASHES)


@probe()
async def ids_with_leading_slash(gateway: Gateway) -> Tries:
    return await _whole_ids(gateway, names.LEADING_SLASHES)


@probe()
async def ids_with_empty_segment(gateway: Gateway) -> Tries:
    return await _whole_ids(gateway, names.EMPTY)


@probe()
async def id_with_encoded_slash(gateway: Gateway) -> Tries:
    return await _whole_ids(gateway, names.ENCODED_SLASH)


@probe()
async def names_well_formed(gateway: Gateway) -> Tries:
    seed, chance = seeded()
    return await _tried(gateway, seed, {f"{own_workspace(gateway)}/{name}": "" for name in names.well_formed(chance)})


@probe(phase=Phase.HOSTILE)
async def models_that_are_no_string(gateway: Gateway) -> Tries:
    values: list[Any] = [None, 1, True, [], {}]
    values += [["/".join(served)]] if (served := _served(gateway)) else []
    return await together(
        {f"model {show(value)}": gateway.chat({"case": show(value)}, model=value) for value in values}
    )


@probe()
async def foreign_workspaces(gateway: Gateway) -> Tries:
    """A served entity under the name of another workspace: an invented one, one named as empty, our own misspelt."""
    workspace, _, entity = served_id(gateway).partition("/")
    seed, chance = seeded()
    ids = {f"zz-gateproof-{names.word(chance)}/{entity}": "an invented workspace"}
    if gateway.target.empty_workspace:
        ids[f"{gateway.target.empty_workspace}/{entity}"] = "the workspace that holds no model"
    if workspace.upper() != workspace:
        ids[f"{workspace.upper()}/{entity}"] = "the workspace in upper case"
    return await _tried(gateway, seed, ids)


@probe()
async def vendor_name_streamed(gateway: Gateway) -> Exchange:
    return await gateway.stream(model=names.VENDOR)


@probe()
async def other_vendor_names(gateway: Gateway) -> Tries:
    return await together({f"model {show(id)}": gateway.chat(model=id) for id in names.OTHER_VENDORS})


@probe()
async def names_every_way(gateway: Gateway) -> dict[str, Tries]:
    """The vendor's id, a bad name of each kind and a good one, each at every inference endpoint."""
    workspace, (seed, chance) = own_workspace(gateway), seeded()
    bad = [cases[0] for cases in names.ILL_FORMED.values()]
    ids = {names.VENDOR: "", f"{workspace}/{names.word(chance, 64)}": "64 characters"}
    ids |= {f"{workspace}/{case.name(names.word(chance))}": case.label for case in bad}
    ids |= {f"{workspace}/zz-gateproof-{names.word(chance)}": "well-formed"}
    return await _every_way(gateway, seed, ids)


@probe()
async def ambiguous_names(gateway: Gateway) -> dict[str, Tries]:
    """Names on which the readings differ, at every inference endpoint, and the plain chats once more ("again")."""
    workspace, (seed, chance) = own_workspace(gateway), seeded()
    words = {"word": names.word(chance), "digits": names.digits(chance)}
    ids = {f"{workspace}/{template.format(**words)}": label for label, template in names.AMBIGUOUS.items()}
    ids = {id: label for id, label in ids.items() if id not in gateway.facts.listed}
    return await _every_way(gateway, seed, ids) | {"again": await _tried(gateway, seed, ids, again=True)}


@probe()
async def names_of_every_kind(gateway: Gateway) -> dict[str, Tries]:
    """A name of each kind at every inference endpoint. Listed names are not tried."""
    workspace, (seed, chance) = own_workspace(gateway), seeded()
    words = {"word": names.word(chance), "digits": names.digits(chance), "long": names.word(chance, 63)}
    words |= {"one": names.word(chance, 1), "two": names.word(chance, 2)}
    ids = {f"{workspace}/{template.format(**words)}": label for label, template in names.TABLE.items()}
    return await _every_way(gateway, seed, {id: it for id, it in ids.items() if id not in gateway.facts.listed})


@probe()
async def bare_names(gateway: Gateway) -> Tries:
    """A served entity without its workspace, and one that nobody has."""
    entity = served_id(gateway).partition("/")[2]
    seed, chance = seeded()
    unknown = f"zz-gateproof-{names.word(chance)}"
    return await _tried(gateway, seed, {entity: "a served entity", unknown: "nobody has it"})


@probe()
async def model_by_both_names(gateway: Gateway) -> Tries:
    """A listed model, retrieved by its entity alone and with its workspace."""
    id = served_id(gateway)
    written = {name: segment(name) for name in (id.partition("/")[2], id)}
    return await together({name: gateway.get(f"/models/{path}") for name, path in written.items()})


async def _ill_formed(gateway: Gateway, kind: str) -> Tries:
    """All cases of one kind, with spellings of a served entity that amount to it if ids are folded."""
    workspace, (seed, chance) = own_workspace(gateway), seeded()
    ids = {f"{workspace}/{case.name(names.word(chance))}": case.label for case in names.ILL_FORMED[kind]}
    if (served := _served(gateway)) is not None:
        ids |= {id: label for label, id in names.folded(kind, *served) if id not in gateway.facts.listed}
    return await _tried(gateway, seed, ids)


async def _whole_ids(gateway: Gateway, templates: dict[str, str]) -> Tries:
    seed, chance = seeded()
    workspace, entity = _served(gateway) or (own_workspace(gateway), names.word(chance))
    filled = {
        template.format(workspace=workspace, entity=entity, word=names.word(chance)): label
        for label, template in templates.items()
    }
    return await _tried(gateway, seed, filled)


async def _every_way(gateway: Gateway, seed: str, ids: dict[str, str]) -> dict[str, Tries]:
    """Each id in a plain and a streamed chat, a completion and an embedding, as far as the gateway has these."""
    without = gateway.target.without
    ways = {"plain": _tried(gateway, seed, ids), "streamed": _tried(gateway, seed, ids, stream=True)}
    if "completions" not in without:
        ways["completions"] = _tried(gateway, seed, ids, "/completions", prompt="one")
    if "embeddings" not in without:
        ways["embeddings"] = _tried(gateway, seed, ids, "/embeddings", input="one")
    return dict(zip(ways, await gather(*ways.values()), strict=True))


async def _tried(
    gateway: Gateway, seed: str, ids: dict[str, str], path: str = "", again: bool = False, **fields: Any
) -> Tries:
    """A chat with each of these ids, which come with a label; at another path a body of these fields."""

    def told(id: str, label: str) -> str:
        return f"model {show(id, 120)} ({label})" if label else f"model {show(id, 120)}"

    def ask(id: str, label: str) -> Awaitable[Exchange]:
        options: dict[str, Any] = {"case": f"{label or id}, seed {seed}", "repeat": "again" if again else 0}
        if path:
            return gateway.post(path, {"model": id, **fields}, **options)
        return gateway.chat(options, model=id, **fields)

    return await together({told(id, label): ask(id, label) for id, label in ids.items()})


def seeded() -> tuple[str, random.Random]:
    seed = secrets.token_hex(4)
    return seed, random.Random(seed)


def own_workspace(gateway: Gateway) -> str:
    """The workspace that is asked."""
    return gateway.facts.workspace or "default"


def _served(gateway: Gateway) -> tuple[str, str] | None:
    """Workspace and entity of a listed model, the one under test if it can be; None if the list has none."""
    pairs = [_segments(own_workspace(gateway), id) for id in gateway.facts.listed]
    usable = [pair for pair in pairs if all(pair)]
    tested = _segments(own_workspace(gateway), gateway.facts.model)
    return tested if tested in usable else next(iter(usable), None)


def served_id(gateway: Gateway) -> str:
    """The same as one id. Raises Unusable if the list has none."""
    served = _served(gateway)
    if served is None:
        raise Unusable("GET /models gives no id of a workspace and an entity")
    return "/".join(served)


def _segments(own: str, id: str) -> tuple[str, str]:
    """Workspace and entity of an id; an id without a slash is taken for an entity of our own workspace."""
    workspace, slash, entity = id.partition("/")
    return (workspace, entity) if slash else (own, workspace)
