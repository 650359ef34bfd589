"""Probes of the official SDK: the calls that programs make with it. What each of them does is in sdk/calls/; here is
what it is asked with."""

import secrets
from asyncio import gather
from typing import Any

from conformance import names
from conformance.exchange import Unusable
from conformance.features import is_claimed
from conformance.probe import Phase, probe
from conformance.probes.chat.tools import TOOL_CAP, TOOLS
from conformance.probes.completions import PROMPT, completion
from conformance.probes.embeddings import TEXTS, embedder
from conformance.probes.errors import unserved_model
from conformance.probes.limits import burst
from conformance.probes.responses import body_of, response
from conformance.probes.stream.streams import USAGE
from conformance.probes.upstream import CAP, FAILURES, PIECES
from conformance.sdk.outcomes import last
from conformance.sdk.playing import Played, played
from conformance.sending.doctor import listed_models
from conformance.sending.gateway import Gateway, user
from conformance.sending.upstream import Answer, sent_on_by

AT_ONCE = 20
CITY = "How many people live in Oslo? Answer with the name of the city and the number."
NULLS = (
    *("temperature", "top_p", "n", "stop", "seed", "stream", "stream_options", "logit_bias", "logprobs"),
    *("top_logprobs", "frequency_penalty", "presence_penalty", "metadata", "store"),
)
"""The options that the API declares nullable."""
STRICT: dict[str, Any] = {"_strict_response_validation": True}


# Chats


@probe()
async def sdk_create(gateway: Gateway) -> Played:
    return await played(gateway, "create", gateway.chat_body())


@probe()
async def sdk_create_in_parallel(gateway: Gateway) -> list[Played]:
    """So many chats of the async client at once, no two of them equal."""
    prompts = [[user(f"Reply with the word OK. ({number})")] for number in range(AT_ONCE)]
    chats = (played(gateway, "create_async", gateway.chat_body(messages=prompt)) for prompt in prompts)
    return list(await gather(*chats))


@probe()
async def sdk_base_urls(gateway: Gateway) -> dict[str, Played]:
    """The same with the base URL in both of its spellings."""
    spellings = {"without a slash": False, "with a slash": True}
    calls = (played(gateway, "create", gateway.chat_body(), base_slash=slash) for slash in spellings.values())
    return dict(zip(spellings, await gather(*calls), strict=True))


@probe()
async def sdk_raw(gateway: Gateway) -> dict[str, Played]:
    """The answer with its headers, in the two ways that the SDK has."""
    kinds = ("raw", "raw_streamed")
    return dict(zip(kinds, await gather(*(played(gateway, k, gateway.chat_body()) for k in kinds)), strict=True))


@probe(tokens=32)
async def sdk_give_back(gateway: Gateway) -> Played:
    return await played(gateway, "give_back", gateway.chat_body())


@probe()
async def sdk_extras(gateway: Gateway) -> dict[str, Played]:
    """What the SDK adds to a request on behalf of its user."""
    extras: dict[str, dict[str, Any]] = {
        "extra_body": {"extra_body": {"x_conformance": {"a": 1}}},
        "extra_headers and extra_query": {
            "extra_headers": {"X-Conformance": "1"},
            "extra_query": {"conformance": "1"},
        },
        "options that are None": dict.fromkeys(NULLS),
    }
    calls = (played(gateway, "create", gateway.chat_body(**extra)) for extra in extras.values())
    return dict(zip(extras, await gather(*calls), strict=True))


@probe()
async def sdk_strict(gateway: Gateway) -> dict[str, Played]:
    """The client that checks every answer against its types; embeddings where there are any."""
    found = {
        "a chat": await played(gateway, "create", gateway.chat_body(), **STRICT),
        "the models": await played(gateway, "models", **STRICT),
    }
    try:
        model = await embedder(gateway)
    except Unusable:
        return found
    body = {"model": model, "input": TEXTS[0], "encoding_format": "float"}  # it does not take its own base64
    return found | {"embeddings": await played(gateway, "embed", body, **STRICT)}


# Streams


@probe()
async def sdk_iterate(gateway: Gateway) -> dict[str, Played]:
    """The same stream, read by the sync and by the async client."""
    kinds = ("iterate", "iterate_async")
    body = gateway.chat_body(stream=True)
    return dict(zip(kinds, await gather(*(played(gateway, kind, body) for kind in kinds)), strict=True))


@probe()
async def sdk_helper(gateway: Gateway) -> Played:
    return await played(gateway, "helper", gateway.chat_body(stream=True))


@probe()
async def sdk_helper_usage(gateway: Gateway) -> Played:
    return await played(gateway, "helper", gateway.chat_body(stream=True, stream_options=USAGE))


@probe(tokens=32)
async def sdk_helper_n2(gateway: Gateway) -> Played:
    return await played(gateway, "helper", gateway.chat_body(stream=True, n=2))


@probe(tokens=48)
async def sdk_helper_tools(gateway: Gateway) -> Played:
    asked = [user("What is the weather in Oslo? Use get_weather. What time is it there? Use get_time.")]
    body = gateway.chat_body(messages=asked, stream=True, tools=TOOLS, tool_choice="required", cap=TOOL_CAP)
    return await played(gateway, "helper", body)


@probe(phase=Phase.LAST, tokens=32)
async def sdk_leave(gateway: Gateway) -> Played:
    return await played(gateway, "leave", gateway.chat_body(), afresh=True)


# Parsed answers


@probe(tokens=48)
async def sdk_parse(gateway: Gateway) -> Played:
    return await played(gateway, "parse", gateway.chat_body(messages=[user(CITY)], cap=TOOL_CAP))


@probe(tokens=48)
async def sdk_parse_tool(gateway: Gateway) -> Played:
    return await played(gateway, "parse_tool", gateway.chat_body(messages=[user(CITY)], cap=TOOL_CAP))


# Models, embeddings, completions


@probe()
async def sdk_models(gateway: Gateway) -> dict[str, Played]:
    kinds = ("models", "models_async")
    return dict(zip(kinds, await gather(*(played(gateway, kind) for kind in kinds)), strict=True))


@probe()
async def sdk_retrieve(gateway: Gateway) -> list[Played]:
    """One listed model, if there is one whose id has a slash, by every name that the dialect may know it by."""
    rows = sorted(listed_models(await gateway.get("/models")), key=lambda row: "/" not in row["id"])
    if not rows:
        raise Unusable("GET /models gives no model ids")
    keys = [rows[0].get(key) for key in gateway.profile.expect.retrieve_by]
    known_as = dict.fromkeys(key for key in keys if isinstance(key, str) and key)
    return list(await gather(*(played(gateway, "retrieve", {"model": name}) for name in known_as)))


@probe()
async def sdk_embed(gateway: Gateway) -> dict[str, Played]:
    """A text's embedding as the SDK asks for it by itself, and as plain numbers."""
    body = {"model": await embedder(gateway), "input": TEXTS[0]}
    by_default, as_floats = await gather(
        played(gateway, "embed", body), played(gateway, "embed", body | {"encoding_format": "float"})
    )
    return {"by default": by_default, "as floats": as_floats}


@probe()
async def sdk_complete(gateway: Gateway) -> dict[str, Played]:
    served = await completion(gateway)  # raises Unusable where there are none
    body = {"model": served.sent["model"], "prompt": PROMPT, "max_tokens": 16}
    plain, streamed = await gather(
        played(gateway, "complete", body), played(gateway, "complete_streamed", body | {"stream": True})
    )
    return {"plain": plain, "streamed": streamed}


@probe(tokens=48)
async def sdk_respond(gateway: Gateway) -> dict[str, Played]:
    """The caps are such that the answers end by themselves: the SDK has no final response for others."""
    await response(gateway)  # raises Unusable where there are none
    short = body_of(gateway, max_output_tokens=64)
    calls = ("respond", "respond_streamed")
    return dict(zip(calls, await gather(*(played(gateway, call, short) for call in calls)), strict=True))


@probe(tokens=48)
async def sdk_respond_parsed(gateway: Gateway) -> Played:
    await response(gateway)  # raises Unusable where there are none
    return await played(gateway, "respond_parsed", body_of(gateway, input=CITY, max_output_tokens=TOOL_CAP))


# Refusals


@probe()
async def sdk_unknown_model(gateway: Gateway) -> dict[str, Played]:
    return await _both_ways(gateway, model=unserved_model(gateway))


@probe()
async def sdk_ill_formed_entity(gateway: Gateway) -> dict[str, Played]:
    return await _both_ways(gateway, model=names.VENDOR)


@probe()
async def sdk_no_messages(gateway: Gateway) -> dict[str, Played]:
    return await _both_ways(gateway, messages=[])


@probe(phase=Phase.HOSTILE)
async def sdk_wrong_key(gateway: Gateway) -> dict[str, Played]:
    if not gateway.target.api_key:
        raise Unusable("no API key is given")
    return await _both_ways(gateway, {"api_key": f"sk-gateproof-{secrets.token_hex(14)}"})


@probe(phase=Phase.HOSTILE)
async def sdk_throttled(gateway: Gateway) -> dict[str, Played]:
    """After a burst, a client that gives up at once and one that tries again. Nothing where nothing is claimed of rate
    limits."""
    if not is_claimed("rate_limit", gateway.target, gateway.profile):
        raise Unusable("nothing is claimed of rate limits")
    await burst(gateway)
    body = gateway.chat_body()
    return {
        "without retries": await played(gateway, "create", body, afresh=True, obey=False),
        "with two retries": await played(gateway, "create", body, afresh=True, obey=False, max_retries=2),
    }


# A provider that does as it is told


@probe(phase=Phase.FAILING)
async def sdk_failing_provider(gateway: Gateway) -> dict[str, Any]:
    """A provider that always fails, for a client that gives up at once, and one that fails once, for a client that
    tries again: `played`, and `kept`, the provider's record."""

    async def told(case: str, retries: int, *answers: Answer) -> dict[str, Any]:
        async def play(script: str) -> Played:
            body = gateway.chat_body(messages=[user(f"{PROMPT} {script}")], cap=CAP)
            return await played(gateway, "create", body, script=case, max_retries=retries)

        found, kept = await sent_on_by(gateway, case, play, last, *answers)
        return {"played": found, "kept": kept}

    return {
        "always": await told("always", 0, FAILURES["500"]),
        "once": await told("once", 2, FAILURES["500"], {"pieces": PIECES}),
    }


async def _both_ways(gateway: Gateway, client: dict[str, Any] | None = None, **fields: Any) -> dict[str, Played]:
    """The same chat plain and streamed."""
    plain, streamed = await gather(
        played(gateway, "create", gateway.chat_body(**fields), **(client or {})),
        played(gateway, "iterate", gateway.chat_body(stream=True, **fields), **(client or {})),
    )
    return {"plain": plain, "streamed": streamed}
