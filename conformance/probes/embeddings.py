"""Probes of POST /embeddings. The model is the one that the user named, else the first that answers: those whose ids
look like an embedding model's are only tried earlier."""

import json
import re
from asyncio import gather
from typing import Any

from conformance.exchange import Exchange, Unusable
from conformance.features import is_doubtful
from conformance.probe import Phase, probe
from conformance.reading.vectors import only_vector
from conformance.sending.gateway import ABSENT, Gateway, together

PATH = "/embeddings"
MODELS_TRIED = 4
TEXTS = ("one", "The train from Bergen to Oslo\nleft at noon.", "The train from Bergen to Oslo\nsells apples.")
"""Two differ in their second line alone."""
"""The first is what other probes embed, too; the others begin alike, so that a cache which looks no further shows."""
MANY = 130
"""Texts in a batch that is cut in pieces by whoever cuts at 16, 32, 64, 96, 100 or 128."""
TOO_MANY = 2049
LONG_TEXT = "apple " * 34_000
"""200 kB, about as many tokens as words."""
UNICODE = "Grüße aus 東京, \N{GREEK SMALL LETTER ALPHA}\N{COMBINING ACUTE ACCENT} und \N{GRINNING FACE}!"
OTHER_SCRIPTS = ("The cities 東京, Москва and Αθήνα.", "The cities 上海, Берлин and Κρήτη.")
"""Nothing but letters beyond ASCII, as many in both, tells one from the other."""
WITHOUT_THEM = tuple(re.sub("[^\x00-\x7f]", letter, OTHER_SCRIPTS[0]) for letter in ("", "?"))
"""What is left of either where such letters are dropped, or become question marks."""
FAR_TOO_LONG = 10**6

_EMBEDS = re.compile(
    r"bge|gte|\be5\b|minilm|mpnet|nomic|jina|ada-00|mxbai|arctic|sentence|retriev|slate", re.IGNORECASE
)


@probe()
async def embeddings_tries(gateway: Gateway) -> list[Exchange]:
    """One text, embedded by one model after the other until one answers. Where none does, a list of that text for the
    first model, if there is reason to think that it embeds."""
    if "embeddings" in gateway.target.without:
        raise Unusable("the gateway was declared to have no embeddings")
    tries: list[Exchange] = []
    for model in _candidates(gateway):
        tries.append(await gateway.post(PATH, {"model": model, "input": TEXTS[0]}))
        if tries[-1].ok:
            return tries
    first = tries[0].sent["model"]
    if gateway.target.embeddings_model or _seems_to_embed(first):
        tries.append(await gateway.post(PATH, {"model": first, "input": [TEXTS[0]]}))
    return tries


@probe()
async def embeddings_nowhere(gateway: Gateway) -> list[Exchange]:
    """What a path is answered with that can't exist, where the tries do not tell whether any model embeds."""
    return [await gateway.nowhere()] if is_doubtful(await embeddings_tries(gateway)) else []


@probe()
async def embeddings_reply(gateway: Gateway) -> Exchange:
    return await _embed(gateway, TEXTS[0])


@probe()
async def embeddings_reply_again(gateway: Gateway) -> Exchange:
    return await _embed(gateway, TEXTS[0], options={"repeat": 1})


@probe()
async def embeddings_each(gateway: Gateway) -> list[Exchange]:
    """Three texts, each in a request of its own."""
    return list(await gather(*(_embed(gateway, text) for text in TEXTS)))


@probe()
async def embeddings_batch(gateway: Gateway) -> Exchange:
    """The three texts in one request."""
    return await _embed(gateway, list(TEXTS))


@probe()
async def embeddings_many(gateway: Gateway) -> Exchange:
    """The three texts over and over; in base64 where that is served, as it is shorter."""
    texts = [TEXTS[place % len(TEXTS)] for place in range(MANY)]
    return await _embed(gateway, texts, encoding_format=await _shortest_form(gateway))


@probe()
async def embeddings_of_list(gateway: Gateway) -> Exchange:
    return await _embed(gateway, [TEXTS[0]])


@probe()
async def embeddings_base64(gateway: Gateway) -> Exchange:
    """The body that openai-python sends where its user asks for nothing."""
    return await _embed(gateway, TEXTS[0], encoding_format="base64")


@probe()
async def embeddings_float(gateway: Gateway) -> Exchange:
    return await _embed(gateway, TEXTS[0], encoding_format="float")


@probe()
async def embeddings_user(gateway: Gateway) -> Exchange:
    return await _embed(gateway, TEXTS[0], user="gateproof")


@probe()
async def embeddings_compressed(gateway: Gateway) -> Exchange:
    """With the codings that HTTP clients offer."""
    return await _embed(gateway, TEXTS[0], options={"headers": {"Accept-Encoding": "gzip, deflate"}})


@probe()
async def embeddings_unicode(gateway: Gateway) -> dict[str, Exchange]:
    """The same text, once as UTF-8 and once with every character escaped."""
    body = {"model": await embedder(gateway), "input": UNICODE}
    return await together(
        {
            "as UTF-8": gateway.post(PATH, body, case="as UTF-8"),
            "escaped": gateway.send("POST", PATH, body=json.dumps(body).encode(), case="escaped"),
        }
    )


@probe()
async def embeddings_of_other_scripts(gateway: Gateway) -> Exchange:
    """Two texts in other scripts, and what is left of them where a gateway knows none but ASCII."""
    return await _embed(gateway, [*OTHER_SCRIPTS, *WITHOUT_THEM])


@probe()
async def embeddings_shortened(gateway: Gateway) -> dict[str, Exchange]:
    """Vectors of half their length: of one text, and of two, in base64 where that is served, as openai-python asks."""
    half = len(only_vector(await embeddings_reply(gateway))) // 2
    if not half:
        raise Unusable("the vector has no half")
    form = await _shortest_form(gateway)
    return await together(
        {
            "one text": _embed(gateway, TEXTS[0], dimensions=half),
            "two texts": _embed(gateway, list(TEXTS[:2]), dimensions=half, encoding_format=form),
        }
    )


@probe()
async def embeddings_streamed(gateway: Gateway) -> Exchange:
    return await _embed(gateway, TEXTS[0], stream=True)


@probe(phase=Phase.HOSTILE)
async def embeddings_of_tokens(gateway: Gateway) -> dict[str, Exchange]:
    return await _each(gateway, {"[100, 200]": [100, 200], "[[100], [200]]": [[100], [200]]})


@probe(phase=Phase.HOSTILE)
async def embeddings_of_nothing(gateway: Gateway) -> dict[str, Exchange]:
    return await _each(gateway, {'""': "", "[]": [], '[""]': [""], "[[]]": [[]]})


@probe(phase=Phase.HOSTILE)
async def embeddings_of_white_space(gateway: Gateway) -> Exchange:
    return await _embed(gateway, " ")


@probe(phase=Phase.HOSTILE)
async def embeddings_of_wrong_types(gateway: Gateway) -> dict[str, Exchange]:
    wrong: dict[str, Any] = {"no input": ABSENT, "null": None, "{}": {}, "true": True, "5": 5, "[null]": [None]}
    return await _each(gateway, wrong | {'["a", 1]': ["a", 1]})


@probe(phase=Phase.HOSTILE)
async def embeddings_of_too_many(gateway: Gateway) -> Exchange:
    """In base64 and with fewer dimensions, as far as they are served, as the answer may be very large."""
    shortened = (await embeddings_shortened(gateway))["one text"]
    half = shortened.sent["dimensions"] if shortened.ok else ABSENT
    return await _embed(gateway, ["a"] * TOO_MANY, encoding_format=await _shortest_form(gateway), dimensions=half)


@probe(phase=Phase.HOSTILE)
async def embeddings_of_long_text(gateway: Gateway) -> Exchange:
    return await _embed(gateway, LONG_TEXT)


@probe(phase=Phase.HOSTILE)
async def embeddings_wrong_dimensions(gateway: Gateway) -> dict[str, Exchange]:
    """Lengths that no vector has, and one more than the model's has."""
    values: dict[str, Any] = {"0": 0, "-1": -1, '"8"': "8", "10^6": FAR_TOO_LONG}
    values["one more than there are"] = len(only_vector(await embeddings_reply(gateway))) + 1
    return await together(
        {
            case: _embed(gateway, TEXTS[0], options={"case": f"dimensions {case}"}, dimensions=value)
            for case, value in values.items()
        }
    )


@probe(phase=Phase.HOSTILE)
async def embeddings_unknown_format(gateway: Gateway) -> Exchange:
    return await _embed(gateway, TEXTS[0], encoding_format="int4")


@probe(phase=Phase.HOSTILE)
async def embeddings_of_chat_model(gateway: Gateway) -> Exchange | None:
    """The model that chats; None where it is the one that embeds."""
    if gateway.facts.model == await embedder(gateway):
        return None
    return await gateway.post(PATH, {"model": gateway.facts.model, "input": TEXTS[0]})


HOSTILE = (
    embeddings_of_tokens, embeddings_of_nothing, embeddings_of_white_space, embeddings_of_wrong_types,
    embeddings_of_too_many, embeddings_of_long_text, embeddings_wrong_dimensions, embeddings_unknown_format,
    embeddings_of_chat_model,
)  # fmt: skip


@probe(phase=Phase.HOSTILE)
async def embeddings_after_all(gateway: Gateway) -> Exchange:
    """One text once all of the above is answered."""
    await gather(*(send(gateway) for send in HOSTILE), return_exceptions=True)
    return await _embed(gateway, TEXTS[0], options={"repeat": "after the broken ones"})


async def embedder(gateway: Gateway) -> str:
    """The model that embeds. Raises Unusable where there is none."""
    tries = await embeddings_tries(gateway)
    if not tries[-1].ok:
        raise Unusable(f"no model embeds a text: {tries[0].seen}")
    return str(tries[-1].sent["model"])


async def _embed(gateway: Gateway, text: Any, options: dict[str, Any] | None = None, **fields: Any) -> Exchange:
    """An embedding of this input with these fields added, or left out (ABSENT)."""
    body = {"model": await embedder(gateway), "input": text} | fields
    return await gateway.post(PATH, {k: v for k, v in body.items() if v is not ABSENT}, **(options or {}))


async def _shortest_form(gateway: Gateway) -> Any:
    """base64 where it is served."""
    return "base64" if (await embeddings_base64(gateway)).ok else ABSENT


async def _each(gateway: Gateway, inputs: dict[str, Any]) -> dict[str, Exchange]:
    return await together({case: _embed(gateway, value, options={"case": case}) for case, value in inputs.items()})


def _candidates(gateway: Gateway) -> list[str]:
    """The models to try, likely ones first, the one that chats last."""
    if gateway.target.embeddings_model:
        return [gateway.target.embeddings_model]
    listed = sorted(gateway.facts.listed, key=lambda id: ("embed" not in id.lower(), not _seems_to_embed(id)))
    return list(dict.fromkeys([*listed[:MODELS_TRIED], gateway.facts.model]))


def _seems_to_embed(id: str) -> bool:
    """A guess at what a model is for, good for an order of trying and nothing else."""
    return "embed" in id.lower() or bool(_EMBEDS.search(id))
