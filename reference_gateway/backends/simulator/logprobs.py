"""Makes log-probabilities up for tokens that were said, in the shapes of chat completions and of completions."""

from random import Random

from reference_gateway.backends.simulator import vocabulary as words
from reference_gateway.backends.simulator.tokens import tokenise
from reference_gateway.call import Json

_OTHER_TOKENS = tuple(
    dict.fromkeys(token for text in (*words.OBJECTS, *words.VERBS, *words.TAILS) for token in tokenise(" " + text))
)


def chat_entries(tokens: list[str], alternatives: int, rng: Random) -> list[Json]:
    """One entry a token; `top_logprobs` holds that token and then less likely ones, `alternatives` together."""
    entries = []
    for token in tokens:
        ranked = _ranked(token, alternatives, rng)
        top = [_entry(other, logprob) for other, logprob in ranked[:alternatives]]
        entries.append({**_entry(*ranked[0]), "top_logprobs": top})
    return entries


def completion_arrays(tokens: list[str], alternatives: int, rng: Random, *, prompt_tokens: int = 0) -> Json:
    """The four aligned arrays of a completion.

    `text_offset` counts characters of the choice's text. The first of `prompt_tokens` echoed tokens has no
    log-probability, as nothing stands before it.
    """
    offset = 0
    arrays: Json = {"tokens": [], "token_logprobs": [], "top_logprobs": [], "text_offset": []}
    for index, token in enumerate(tokens):
        ranked = _ranked(token, alternatives, rng)
        unknown = index == 0 and prompt_tokens > 0
        arrays["tokens"].append(token)
        arrays["token_logprobs"].append(None if unknown else ranked[0][1])
        arrays["top_logprobs"].append(None if unknown else dict(ranked[:alternatives]))
        arrays["text_offset"].append(offset)
        offset += len(token)
    return arrays


def _ranked(token: str, alternatives: int, rng: Random) -> list[tuple[str, float]]:
    """The token and alternatives to it, each with its log-probability, the likeliest first."""
    logprob = -round(rng.random() ** 3 * 1.5, 6)
    ranked = [(token, logprob)]
    if alternatives > 1:
        others = (other for other in rng.sample(_OTHER_TOKENS, alternatives) if other != token)
        for other, _ in zip(others, range(alternatives - 1), strict=False):
            logprob = round(logprob - 0.05 - rng.random() * 2, 6)
            ranked.append((other, logprob))
    return ranked


def _entry(token: str, logprob: float) -> Json:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode("utf-8", "surrogatepass"))}
