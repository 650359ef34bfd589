"""What calls of the SDK came to, read for a judgement. Sentences name the client and the call, and say what was
seen."""

from collections.abc import Iterable, Iterator
from typing import Any

from conformance.exchange import Exchange, Unusable, clip
from conformance.rules.streams.accumulate import accumulated
from conformance.sdk.playing import Played
from conformance.shape import dig, show
from conformance.verdict import Violation

CUT = ("LengthFinishReasonError", "ContentFilterFinishReasonError")
"""What the SDK raises where an answer that it is to parse ended early, which is the model's doing."""
REFUSED = (400, 422)


def words(played: Played, seen: str) -> str:
    """What was seen of a call, for a message."""
    return f"{played['client']}, {played['call']}: {seen}"


def violation(played: Played, seen: str) -> Violation:
    return Violation(last(played), words(played, seen))


def last(played: Played) -> Exchange:
    """The exchange that the call ended with."""
    exchange: Exchange = played["exchanges"][-1]
    return exchange


def is_raised(played: Played, *names: str) -> bool:
    """Whether the call ended with an exception of one of these classes, or of any if none is named."""
    return played["outcome"] == "raised" and (not names or any(name in played["bases"] for name in names))


def at_call_time(played: Played) -> bool:
    """Whether an exception came from the call itself, not from reading what it returned."""
    return not played["call"].startswith("the iteration")


def told(played: Played) -> str:
    """An exception in words; of one that the SDK did not mean to raise, where in the SDK it came from."""
    found = ": ".join(text for text in (played["type"], clip(played["message"])) if text)
    more = [clip(played["cause"], 120)] if played["cause"] else []
    if not is_raised(played, "OpenAIError"):
        more.append(f"in {played['where']}")
    return f"{found} ({'; '.join(more)})" if more else found


def not_raising(played: Played, *names: str) -> Iterator[Violation]:
    """Whether a call did anything else than raise one of these exceptions before it returned."""
    if not is_raised(played):
        yield violation(played, f"it raised nothing, where {' or '.join(names)} was to come")
    elif not is_raised(played, *names):
        yield violation(played, told(played))
    elif not at_call_time(played):
        yield violation(played, f"{played['type']} came only while it was read")


def exceptions(calls: Iterable[Played]) -> Iterator[Violation]:
    """The calls that the SDK ended with an exception."""
    yield from (violation(played, told(played)) for played in calls if is_raised(played))


def unusable(calls: Iterable[Played]) -> Iterator[Violation]:
    """Chats that raised, or whose result a program can do nothing with."""
    for played in calls:
        if is_raised(played):
            yield violation(played, told(played))
            continue
        data = played["data"]
        if data["type"] != "ChatCompletion":
            yield violation(played, f"it returned {data['type']}, no ChatCompletion")
        elif not data["choices"]:
            yield violation(played, "the completion has no choices")
        elif not isinstance(data["choices"][0]["role"], str):
            yield violation(played, f"choices[0].message.role is {show(data['choices'][0]['role'])}")


def choice(played: Played, number: int = 0) -> dict[str, Any]:
    """A choice as the SDK returned it. Raises Unusable if there is none."""
    found: dict[str, Any] = dig(played.get("data"), "choices", number)
    return found


def streamed_choices(played: Played) -> list[dict[str, Any]]:
    """The choices of a stream, put together from what was on the wire. Raises Unusable if they can't be read."""
    found: list[dict[str, Any]] = accumulated(last(played).chunks)["choices"]
    return found


def texts_lost(played: Played) -> Iterator[Violation]:
    """Choices whose text the SDK has put together to another than was streamed."""
    for number, sent in enumerate(streamed_choices(played)):
        kept, said = choice(played, number)["content"], sent["message"]["content"]
        if (kept or "") != (said or ""):
            yield violation(played, f"choices[{number}] became {show(kept)}, {show(said)} was streamed")


def calls_lost(played: Played, sent: list[dict[str, Any]]) -> Iterator[Violation]:
    """Tool calls that the SDK has put together to others than were streamed."""
    kept = choice(played)["calls"]
    if len(kept) != len(sent):
        yield violation(played, f"{len(sent)} tool calls were streamed and became {len(kept)}")
        return
    for became, call in zip(kept, sent, strict=True):
        function = call["function"]
        was = {"id": call["id"], "name": function["name"], "arguments": function["arguments"]}
        for key, value in was.items():
            if became[key] != value:
                yield violation(played, f"the {key} of a tool call became {show(became[key])}, it is {show(value)}")


def ids_lost(played: Played) -> Iterator[Violation]:
    """Whether the models that the SDK lists are other than those of the list that came."""
    ids = played["data"]["ids"]
    if not all(isinstance(id, str) for id in ids):
        yield violation(played, f"not all ids are text: {show(ids)}")
        return
    document = last(played).document
    if "data" not in document:
        yield violation(played, f"it lists {len(ids)} models, and what came has no `data`: {show(document)}")
        return
    rows = document["data"] or []
    came = [row.get("id") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else None
    if came != ids:
        yield violation(played, f"it lists {show(ids)}, what came is {show(rows)}")


def had_text_for_arguments(played: Played) -> bool:
    """Whether the calls of the answer that came have arguments of the right kind, whatever they say."""
    message = dig(last(played).document, "choices", 0, "message")
    return all(isinstance(dig(call, "function", "arguments"), str) for call in message.get("tool_calls") or [])


def said_nothing(exchange: Exchange) -> bool:
    """Whether an answer's message is empty, as a model leaves it that has spent its cap on thinking."""
    message = dig(exchange.document, "choices", 0, "message")
    return not message.get("content") and not message.get("tool_calls")


def numbers(played: Played) -> list[float]:
    """The vector of a single text as the SDK returned it. Raises Unusable if it is none."""
    vectors = played["data"]["vectors"]
    if len(vectors) != 1 or not isinstance(vectors[0], list) or not vectors[0]:
        raise Unusable(f"{played['client']}, {played['call']}: the embeddings are {show(vectors)}")
    return [float(number) if isinstance(number, float | int) else 0.0 for number in vectors[0]]
