"""Probes of legacy completions: a prompt goes in, its continuation comes out. Where the gateway serves none, and none
are claimed, next to nothing is sent."""

from asyncio import gather
from collections.abc import Mapping
from typing import Any

from conformance.exchange import Exchange, Unusable
from conformance.features import is_claimed, is_doubtful, serves_nothing
from conformance.probe import Phase, probe
from conformance.probes.chat.replies import STOP_CAP, STORY
from conformance.probes.errors import embedding_model, unserved_model
from conformance.probes.stream.streams import LONG_CAP, USAGE
from conformance.sending.gateway import ABSENT, TOKEN_CAP, Gateway, together

PATH = "/completions"
PROMPT = "Say OK."
PROMPTS = ["Say OK.", "Say yes please.", "Say no."]
FEW = 4
"""A cap where all that matters is that something is said."""
SEEDED_CAP = 24
TOKENS = list(range(40, 52))
"""Token ids below 256, which every vocabulary has: single bytes, as a rule printable."""
ECHOED = '  Ünï "quoted" \\ back\nnext 日本語 \ufb01ne \u2460 \U0001f642 end \n'
"""Blanks at both ends, a ligature and a number in a circle, which forms of Unicode take for other letters."""
ECHOES = ["alpha beta gamma", "one two three four"]
ACCENTED = "one café, two cafés"
"""Its characters are fewer than its bytes, and as a rule each is of one token alone."""
SUFFIX = "\n\nprint(one() + one() + one())"
"""More than `FEW` tokens hold."""
STOPS: dict[str, Any] = {"a string": "e", "four strings": [" t", "e ", "he", "s "]}
"""The pairs are such as models split over two tokens."""


async def completion(gateway: Gateway, options: Mapping[str, Any] | None = None, **fields: Any) -> Exchange:
    """The smallest completion with these fields added, replaced, or left out (ABSENT). Raises Unusable, and sends
    nothing, where the gateway turns completions away.

    Where the gateway is asked for all in streams it is streamed, with usage where that is offered.
    """
    is_sought = not is_claimed("completions", gateway.target, gateway.profile)
    if is_sought and serves_nothing(await _first(gateway), await completion_nowhere(gateway)):
        raise Unusable("the gateway turns completions away")
    if not gateway.streams:
        return await _post(gateway, options, **fields)
    counted = await _post(gateway, options, **{"stream": True, "stream_options": USAGE} | fields)
    if counted.status in (400, 422) and "stream_options" not in fields:
        return await _post(gateway, options, **{"stream": True} | fields)
    return counted


async def _first(gateway: Gateway) -> list[Exchange]:
    """Three completions, of which a gateway that has any serves one: the smallest, its stream, and three at once."""
    if "completions" in gateway.target.without:
        raise Unusable("the gateway was declared to have no completions")
    return list(await gather(_post(gateway), _post(gateway, stream=True), _post(gateway, **_BATCH)))


async def _post(gateway: Gateway, options: Mapping[str, Any] | None = None, **fields: Any) -> Exchange:
    model = gateway.target.completions_model or gateway.facts.model
    body = {"model": model, "prompt": PROMPT, "max_tokens": TOKEN_CAP} | fields
    sent = {key: value for key, value in body.items() if value is not ABSENT}
    return await gateway.post(PATH, sent, **(options or {}))


_BATCH: dict[str, Any] = {"prompt": PROMPTS, "max_tokens": FEW}


# The smallest ones


@probe()
async def completion_first(gateway: Gateway) -> list[Exchange]:
    return await _first(gateway)


@probe()
async def completion_nowhere(gateway: Gateway) -> list[Exchange]:
    """What a path is answered with that can't exist, where the first ones do not tell whether there are any."""
    return [await gateway.nowhere()] if is_doubtful(await _first(gateway)) else []


@probe(both_modes=True)
async def completion_reply(gateway: Gateway) -> Exchange:
    """The smallest completion there is."""
    return await completion(gateway)


@probe()
async def completion_stream(gateway: Gateway) -> Exchange:
    return await completion(gateway, stream=True)


@probe(both_modes=True)
async def completion_batch(gateway: Gateway) -> Exchange:
    return await completion(gateway, **_BATCH)


# What a completion may ask for


@probe()
async def completion_stream_usage(gateway: Gateway) -> Exchange:
    return await completion(gateway, stream=True, stream_options=USAGE)


@probe(tokens=LONG_CAP)
async def completion_stream_long(gateway: Gateway) -> list[Exchange]:
    """Two answers long enough to tell whether they come while they are made."""
    prompt = STORY + " Use at least 100 words."
    longs = (completion(gateway, {"repeat": n}, prompt=prompt, max_tokens=LONG_CAP, stream=True) for n in (1, 2))
    return list(await gather(*longs))


@probe(both_modes=True)
async def completion_capped(gateway: Gateway) -> Exchange:
    """A prompt that begs to be continued, and one token to do it."""
    return await completion(gateway, prompt="Count: 1 2 3", max_tokens=1)


@probe(tokens=SEEDED_CAP)
async def completion_seeded(gateway: Gateway) -> dict[str, list[Exchange]]:
    """One prompt at temperature 0, with each of two seeds once plain and once streamed: a model that answers alike for
    a seed shows what streaming does to a text."""
    fields: dict[str, Any] = {"prompt": STORY, "temperature": 0, "max_tokens": SEEDED_CAP}
    ways = {"plain": gateway, "streamed": gateway.streaming()}
    answers = [gather(*(completion(way, seed=seed, **fields) for seed in (7, 8))) for way in ways.values()]
    return dict(zip(ways, map(list, await gather(*answers)), strict=True))


@probe(both_modes=True)
async def completion_n2(gateway: Gateway) -> Exchange:
    """Of a prompt whose answers are longer than the cap."""
    return await completion(gateway, prompt=STORY, n=2, max_tokens=FEW)


@probe()
async def completion_batch_n2(gateway: Gateway) -> Exchange:
    return await completion(gateway, prompt=PROMPTS, n=2, max_tokens=2)


@probe()
async def completion_tokens(gateway: Gateway) -> Exchange:
    return await completion(gateway, prompt=TOKENS, max_tokens=FEW)


@probe()
async def completion_token_batch(gateway: Gateway) -> Exchange:
    return await completion(gateway, prompt=[TOKENS[:2], TOKENS[2:5]], max_tokens=FEW)


@probe(both_modes=True)
async def completion_echo(gateway: Gateway) -> Exchange:
    return await completion(gateway, prompt=ECHOED, echo=True, max_tokens=FEW)


@probe()
async def completion_echo_batch(gateway: Gateway) -> Exchange:
    return await completion(gateway, prompt=ECHOES, echo=True, max_tokens=FEW)


@probe(both_modes=True, tokens=STOP_CAP)
async def completion_stops(gateway: Gateway) -> dict[str, Exchange]:
    """Stops at what almost any text has, in both forms."""
    forms = STOPS.items()
    return await together(
        {
            form: completion(gateway, {"case": form}, prompt=STORY, stop=stop, max_tokens=STOP_CAP)
            for form, stop in forms
        }
    )


@probe(tokens=STOP_CAP)
async def completion_stop_n2(gateway: Gateway) -> Exchange:
    """A stop sequence for two choices."""
    return await completion(gateway, prompt=STORY, stop="e", n=2, max_tokens=STOP_CAP)


@probe()
async def completion_suffix(gateway: Gateway) -> Exchange:
    return await completion(gateway, prompt="def one():\n    return", suffix=SUFFIX, max_tokens=FEW)


@probe(both_modes=True)
async def completion_logprobs(gateway: Gateway) -> Exchange:
    return await completion(gateway, logprobs=2)


@probe()
async def completion_logprobs_0(gateway: Gateway) -> Exchange:
    return await completion(gateway, logprobs=0, max_tokens=FEW)


@probe()
async def completion_echo_logprobs(gateway: Gateway) -> Exchange:
    return await completion(gateway, prompt=ACCENTED, echo=True, logprobs=2, max_tokens=FEW)


@probe()
async def completion_nulls(gateway: Gateway) -> Exchange:
    """Every option that the API declares nullable, as null; the cap stays, for the cost's sake."""
    names = "best_of echo frequency_penalty logit_bias logprobs n presence_penalty seed stop stream stream_options"
    return await completion(gateway, **dict.fromkeys(f"{names} suffix temperature top_p".split()))


# What must be refused, and what may be


@probe(phase=Phase.HOSTILE)
async def completion_best_of(gateway: Gateway) -> dict[str, Exchange]:
    return await together(
        {
            "plain": completion(gateway, best_of=2, max_tokens=FEW),
            "streamed": completion(gateway, {"case": "streamed"}, best_of=2, max_tokens=FEW, stream=True),
        }
    )


@probe(phase=Phase.HOSTILE)
async def completion_bad_options(gateway: Gateway) -> dict[str, Exchange]:
    cases: dict[str, dict[str, Any]] = {"logprobs 6": {"logprobs": 6}, "best_of 1 with n 2": {"best_of": 1, "n": 2}}
    return await together(
        {case: completion(gateway, {"case": case}, max_tokens=FEW, **fields) for case, fields in cases.items()}
    )


@probe(phase=Phase.HOSTILE)
async def completion_no_model(gateway: Gateway) -> Exchange:
    return await completion(gateway, model=ABSENT)


@probe(phase=Phase.HOSTILE)
async def completion_no_prompt(gateway: Gateway) -> dict[str, Exchange]:
    return await together(
        {
            "absent": completion(gateway, prompt=ABSENT),
            "empty": completion(gateway, {"case": "empty"}, prompt="", max_tokens=1),
        }
    )


@probe(phase=Phase.HOSTILE)
async def completion_wrong_prompts(gateway: Gateway) -> dict[str, Exchange]:
    prompts: dict[str, Any] = {"an object": {"text": "Hi"}, "a number": 7, "no prompts": [], "a mixture": ["a", 7]}
    return await together(
        {case: completion(gateway, {"case": case}, prompt=prompt, max_tokens=1) for case, prompt in prompts.items()}
    )


@probe(phase=Phase.HOSTILE)
async def completion_wrong_types(gateway: Gateway) -> dict[str, Exchange]:
    fields: dict[str, Any] = {"temperature": "hot", "max_tokens": [], "stream": {}}
    return await together({key: completion(gateway, {"case": key}, **{key: value}) for key, value in fields.items()})


@probe(phase=Phase.HOSTILE)
async def completion_unknown_model(gateway: Gateway) -> Exchange:
    return await completion(gateway, model=unserved_model(gateway))


@probe(phase=Phase.HOSTILE)
async def completion_stream_refused(gateway: Gateway) -> dict[str, dict[str, Exchange]]:
    """Requests that are refused before anything is generated, each streamed and plain."""
    cases: dict[str, dict[str, Any]] = {
        "unknown model": {"model": unserved_model(gateway)},
        "no prompt": {"prompt": ABSENT},
        "temperature hot": {"temperature": "hot"},
    }

    async def both(case: str, fields: dict[str, Any]) -> dict[str, Exchange]:
        streamed = completion(gateway, {"case": f"{case}, streamed"}, **fields, stream=True)
        return await together({"streamed": streamed, "plain": completion(gateway, {"case": case}, **fields)})

    return dict(zip(cases, await gather(*(both(*each) for each in cases.items())), strict=True))


@probe(phase=Phase.HOSTILE)
async def completion_of_embedder(gateway: Gateway) -> dict[str, Exchange]:
    """A completion, plain and streamed, of a model that by its name can only embed; none where there is none."""
    model = embedding_model(gateway)
    if not model or "completions" in gateway.target.without:
        return {}
    return await together(
        {
            "plain": _post(gateway, model=model, max_tokens=1),
            "streamed": _post(gateway, {"case": "streamed"}, model=model, max_tokens=1, stream=True),
        }
    )
