"""What a run found out about a gateway beside its verdicts: which of several allowed ways it goes. Told in the head of
the report; a profile names those that matter in its dialect."""

from collections.abc import Callable, Iterator

from conformance.exchange import Exchange
from conformance.names import consistent
from conformance.reading.traffic import endpoint
from conformance.rules import naming
from conformance.sending.recording import Recording


def wire_shape(recording: Recording) -> str:
    """Whether answers are as OpenAI documents them, or as the live watsonx.ai gateway was recorded to send them."""
    marks = sorted({mark for exchange in recording.exchanges for mark in _marks(exchange)})
    return f"recorded ({', '.join(marks)})" if marks else "openai"


def entity_names(recording: Recording) -> str:
    """Which readings of the published sentence fit all answers to the names on which they differ."""
    result = recording.results.get("ambiguous_names")
    if result is None or not isinstance(result.value, dict):
        return ""
    prefix = f"{recording.facts.workspace}/"
    taken = {
        str(exchange.sent.get("model")).removeprefix(prefix): naming.taken(exchange.status)
        for exchange in result.value["plain"].values()
    }
    told = {name: was for name, was in taken.items() if was is not None}
    fit = consistent(told)
    if not told:
        return ""
    return f"as by reading {' or '.join(fit)} of the naming rule" if fit else "as by no reading of the naming rule"


OBSERVATIONS: dict[str, Callable[[Recording], str]] = {"wire shape": wire_shape, "entity names": entity_names}
"""What each says is a few words, or "" where the run does not show it."""


def observed(recording: Recording, names: tuple[str, ...]) -> dict[str, str]:
    """What these observations say of a run, where they say anything."""
    return {name: said for name in names if (said := OBSERVATIONS[name](recording))}


def _marks(exchange: Exchange) -> Iterator[str]:
    """What tells the recorded shape from OpenAI's."""
    if not endpoint(exchange):
        return
    if exchange.ok and exchange.sent.get("stream") is True:
        for _, chunk in exchange.parsed_events:
            choices = chunk.get("choices") if chunk else None
            choices = [one for one in choices if isinstance(one, dict)] if isinstance(choices, list) else []
            if any(one.get("finish_reason") == "" for one in choices):
                yield 'finish_reason is "" until the end'
            if chunk and chunk.get("usage") and choices:
                yield "the chunk with usage has a choice"
    if exchange.status >= 400 and exchange.is_json and isinstance(exchange.json, dict):
        error = exchange.json.get("error")
        if isinstance(error, dict) and "type" not in error:
            yield "errors have no type"
