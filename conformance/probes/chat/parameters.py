"""Probes of what a plain chat may be asked with: how many answers, how long, drawn how, and what clients send along."""

from asyncio import gather
from typing import Any

from conformance.exchange import Exchange
from conformance.features import is_claimed
from conformance.probe import Phase, probe
from conformance.sending.gateway import Gateway, together, user

STORY_CAPS = (8, 13, 21)


@probe(phase=Phase.HOSTILE)
async def chat_bad_n(gateway: Gateway) -> dict[str, Exchange]:
    """One token each: who takes 129 for a number of choices makes as many."""
    counts: dict[str, Any] = {"0": 0, "-1": -1, "1.5": 1.5, '"2"': "2", "129": 129}
    return await together({case: gateway.chat({"case": case}, n=n, cap=1) for case, n in counts.items()})


@probe(tokens=max(STORY_CAPS))
async def chat_story_caps(gateway: Gateway) -> dict[str, Exchange]:
    """A text longer than any of these caps, cut by each of them."""
    story = [user("Write an essay of 500 words about mountains.")]
    return await together({f"{cap}": gateway.chat({"case": f"{cap}"}, messages=story, cap=cap) for cap in STORY_CAPS})


@probe()
async def chat_seeds(gateway: Gateway) -> dict[str, Exchange]:
    """A small seed, and one that a double can't hold."""
    seeds = {"7": 7, "2^53 + 1": 2**53 + 1}
    return await together({case: gateway.chat({"case": case}, seed=seed) for case, seed in seeds.items()})


@probe()
async def chat_same_seed(gateway: Gateway) -> list[Exchange]:
    """One seeded request three times, where equal seeds are claimed to repeat the text."""
    if not is_claimed("seed_determinism", gateway.target, gateway.profile):
        return []
    return list(await gather(*(gateway.chat({"repeat": again}, seed=7, temperature=0) for again in range(3))))


@probe()
async def chat_sampling(gateway: Gateway) -> Exchange:
    """A temperature that every model takes whose temperature can be chosen."""
    return await gateway.chat(temperature=0.5)


@probe()
async def chat_sampling_bounds(gateway: Gateway) -> dict[str, Exchange]:
    fields: dict[str, dict[str, Any]] = {
        "temperature 0": {"temperature": 0},
        "temperature 2": {"temperature": 2},
        "top_p 1": {"top_p": 1},
        "penalties of -2 and 2": {"frequency_penalty": -2, "presence_penalty": 2},
        "penalties of 2 and -2": {"frequency_penalty": 2, "presence_penalty": -2},
    }
    return await together({case: gateway.chat({"case": case}, **chosen) for case, chosen in fields.items()})


@probe(phase=Phase.HOSTILE)
async def chat_sampling_beyond(gateway: Gateway) -> dict[str, Exchange]:
    fields = {
        "temperature": (2.1, -0.1),
        "top_p": (1.1, -0.1),
        "frequency_penalty": (2.1, -2.1),
        "presence_penalty": (2.1, -2.1),
    }
    asked = {f"{key} {value}": {key: value} for key, values in fields.items() for value in values}
    return await together({case: gateway.chat({"case": case}, **chosen) for case, chosen in asked.items()})


@probe(phase=Phase.HOSTILE)
async def chat_logit_bias(gateway: Gateway) -> dict[str, Exchange]:
    biases: dict[str, Any] = {"{}": {}, '{"50256": -100}': {"50256": -100}, '{"a": "b"}': {"a": "b"}}
    return await together({case: gateway.chat({"case": case}, logit_bias=bias) for case, bias in biases.items()})


@probe()
async def chat_client_fields(gateway: Gateway) -> dict[str, Exchange]:
    """What clients send along that has no part in the answer; fields that SDKs send together in one request."""
    fields: dict[str, dict[str, Any]] = {
        "user": {"user": "gateproof"},
        "safety_identifier and service_tier": {"safety_identifier": "gateproof", "service_tier": "auto"},
        "metadata and store": {"metadata": {"suite": "gateproof"}, "store": False},
    }
    return await together({case: gateway.chat({"case": case}, **sent) for case, sent in fields.items()})
