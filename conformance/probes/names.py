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
from conformance.gateway import Gateway, together
from conformance.probe import Phase, probe
from conformance.shape import show

Tries = dict[str, Exchange]


@probe()
async def chat_by_listed_name(gateway: Gateway) -> Exchange:
    """The smallest chat with a listed model, named as workspace/entity."""
    return await gateway.chat(model=_served_id(gateway))


@probe()
async def stream_by_listed_name(gateway: Gateway) -> Exchange:
    return await gateway.stream(model=_served_id(gateway))


@probe()
async def vendor_name(gateway: Gateway) -> Exchange:
    return await gateway.chat(model=names.VENDOR)


@probe()
async def unregistered_names(gateway: Gateway) -> Tries:
    seed, chance = _seeded()
    return await _tried(gateway, seed, {f"{_own(gateway)}/zz-gateproof-{names.word(chance)}": "" for _ in range(2)})


@probe()
async def names_by_length(gateway: Gateway) -> dict[str, Tries]:
    """Names of letters and digits: those of a good length and those of a bad one. Listed names are not tried."""
    seed, chance = _seeded()
    found: dict[str, Tries] = {names.Standing.VALID: {}, names.Standing.INVALID: {}}
    for length in names.LENGTHS:
        drawn = (names.word(chance, length) for _ in range(100))
        name = next(name for name in drawn if f"{_own(gateway)}/{name}" not in gateway.facts.listed)
        id = f"{_own(gateway)}/{name}"
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
    seed, chance = _seeded()
    return await _tried(gateway, seed, {f"{_own(gateway)}/{name}": "" for name in names.well_formed(chance)})


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
    workspace, _, entity = _served_id(gateway).partition("/")
    seed, chance = _seeded()
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
async def ill_formed_names_both_ways(gateway: Gateway) -> dict[str, Tries]:
    """Three bad names, each asked for a plain answer and for a stream."""
    workspace, (seed, chance) = _own(gateway), _seeded()
    bad = [names.ILL_FORMED[kind][0] for kind in ("underscore", "upper")]
    ids = {f"{workspace}/{names.word(chance, 64)}": "64 characters"}
    ids |= {f"{workspace}/{case.name(names.word(chance))}": case.label for case in bad}
    plain, streamed = await gather(_tried(gateway, seed, ids), _tried(gateway, seed, ids, stream=True))
    return {"plain": plain, "streamed": streamed}


async def _ill_formed(gateway: Gateway, kind: str) -> Tries:
    """All cases of one kind, with spellings of a served entity that amount to it if ids are folded."""
    workspace, (seed, chance) = _own(gateway), _seeded()
    ids = {f"{workspace}/{case.name(names.word(chance))}": case.label for case in names.ILL_FORMED[kind]}
    if (served := _served(gateway)) is not None:
        ids |= {id: label for label, id in names.folded(kind, *served) if id not in gateway.facts.listed}
    return await _tried(gateway, seed, ids)


async def _whole_ids(gateway: Gateway, templates: dict[str, str]) -> Tries:
    seed, chance = _seeded()
    workspace, entity = _served(gateway) or (_own(gateway), names.word(chance))
    filled = {
        template.format(workspace=workspace, entity=entity, word=names.word(chance)): label
        for label, template in templates.items()
    }
    return await _tried(gateway, seed, filled)


async def _tried(gateway: Gateway, seed: str, ids: dict[str, str], **fields: Any) -> Tries:
    """A chat with each of these ids, which come with a label."""

    def told(id: str, label: str) -> str:
        return f"model {show(id, 120)} ({label})" if label else f"model {show(id, 120)}"

    def chat(id: str, label: str) -> Awaitable[Exchange]:
        return gateway.chat({"case": f"{label or id}, seed {seed}"}, model=id, **fields)

    return await together({told(id, label): chat(id, label) for id, label in ids.items()})


def _seeded() -> tuple[str, random.Random]:
    seed = secrets.token_hex(4)
    return seed, random.Random(seed)


def _own(gateway: Gateway) -> str:
    """The workspace that is asked."""
    return gateway.facts.workspace or "default"


def _served(gateway: Gateway) -> tuple[str, str] | None:
    """Workspace and entity of a listed model, the one under test if it can be; None if the list has none."""
    pairs = [_segments(_own(gateway), id) for id in gateway.facts.listed]
    usable = [pair for pair in pairs if all(pair)]
    tested = _segments(_own(gateway), gateway.facts.model)
    return tested if tested in usable else next(iter(usable), None)


def _served_id(gateway: Gateway) -> str:
    """The same as one id. Raises Unusable if the list has none."""
    served = _served(gateway)
    if served is None:
        raise Unusable("GET /models gives no id of a workspace and an entity")
    return "/".join(served)


def _segments(own: str, id: str) -> tuple[str, str]:
    """Workspace and entity of an id; an id without a slash is taken for an entity of our own workspace."""
    workspace, slash, entity = id.partition("/")
    return (workspace, entity) if slash else (own, workspace)
