"""The tool calls in the answers of a run, and what is wrong with them in all of those answers together."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from math import comb

from conformance.exchange import Exchange, Unusable
from conformance.reading.traffic import came_as_asked, reply_of, sent
from conformance.rules import Json
from conformance.rules.calls import (
    CUT,
    Call,
    calls_in,
    is_json_twice,
    is_said_twice,
    offered,
    what_is_missing,
    what_is_wrong,
)
from conformance.shape import choices, dig
from conformance.verdict import Inconclusive, Violation

SEVERAL = 3
"""Calls that tell more than a model's slip."""
UNLIKELY = 0.01
"""How likely it may at most be that a model's slips fall on the answers of one form alone by chance."""


def calling(answers: Iterable[Exchange]) -> list[Exchange]:
    """Those of these answers that hold tool calls. Raises Inconclusive if none does, Unusable if none is an answer."""
    tried = list(answers)
    readable = [(x, document) for x in tried if (document := _readable(x)) is not None]
    if not readable:
        _ = [reply_of(x) for x in tried]
    found = [x for x, document in readable if calls_in(document)]
    if not found:
        raise Inconclusive("no answer holds a tool call")
    return found


def forced(answer: Exchange) -> None:
    """Raises Inconclusive unless the tool that this request forces was called: whether it is is judged by itself, and
    what is asked for in the same way can't be judged without."""
    name = dig(sent(answer), "tool_choice", "function", "name")
    if not came_as_asked(answer) or {call.name for call in calls_in(reply_of(answer))} != {name}:
        raise Inconclusive("a tool is not called when it is forced, of which CHAT-047 tells", blame=None)


def of_forced(answer: Exchange) -> list[Call]:
    """The calls of an answer to a request that forces one; none is told of by Inconclusive if it was cut."""
    document = reply_of(answer)
    calls = calls_in(document)
    if any(call.cut for call in calls) or (not calls and _was_cut(document)):
        raise Inconclusive("the answer ran into its cap")
    return calls


def without_json(answers: Iterable[Exchange]) -> Iterator[Violation]:
    """Calls whose arguments are no JSON object, where no call of that tool in answers to that request has any: a model
    may slip, a gateway does it again. Calls of tools without parameters and those that were cut are left out."""
    groups: dict[tuple[bytes, str], list[tuple[Exchange, str]]] = {}
    for answer in answers:
        asked = sent(answer)
        for call in calls_in(_readable(answer) or {"choices": []}):
            taken = offered(asked).get(call.name or "", {}).get("parameters")
            if taken is not None and call.arguments is not None and not call.cut:
                group = groups.setdefault((answer.request.body, call.name or ""), [])
                group.append((answer, what_is_wrong(call.arguments)))
    for (_, name), told in groups.items():
        if all(wrong for _, wrong in told):
            yield from (Violation(x, f"{name}: {wrong}") for x, wrong in told)


def broken_in_one_form(answers: Iterable[Exchange], others: Iterable[Exchange]) -> list[Violation]:
    """Those calls whose arguments are no JSON object, if there are so many of them among the answers of one form, plain
    or streamed, and none among those of the other, that no model's slips fall like that, or if each of them is an
    object twice; or if all of several are JSON that was made a text once more. Tools and cuts as in `without_json`."""
    found, compared = (
        [(x, call.name, call.arguments) for x in group for call in _judged_calls(x) if call.arguments]
        for group in (answers, others)
    )
    broken = [(x, f"{name}: {wrong}") for x, name, text in found if (wrong := what_is_wrong(text))]
    if len(broken) < SEVERAL:
        return []
    if all(is_json_twice(text) for *_, text in found):
        return [Violation(x, f"{wrong}, as those of all {len(found)} calls are") for x, wrong in broken]
    if any(what_is_wrong(text) for *_, text in compared):
        return []
    plainly = len(broken) == len(found) or all(is_said_twice(text) for *_, text in found if what_is_wrong(text))
    by_chance = comb(len(found), len(broken)) / comb(len(found) + len(compared), len(broken))
    if by_chance > UNLIKELY and not (plainly and len(compared) >= SEVERAL):
        return []
    form = "plain" if sent(broken[0][0]).get("stream") else "streamed"
    return [Violation(x, f"{wrong}, while those of all {len(compared)} {form} calls are") for x, wrong in broken]


def _judged_calls(answer: Exchange) -> Iterator[Call]:
    """The whole calls of tools with parameters."""
    tools = offered(sent(answer))
    for call in calls_in(_readable(answer) or {"choices": []}):
        if tools.get(call.name or "", {}).get("parameters") is not None and not call.cut:
            yield call


def broken_at_a_place(answers: Iterable[Exchange]) -> list[Violation]:
    """Calls whose arguments are no JSON object, or lack a key that is required, at a place, a later choice or a later
    call, where those of all these answers do, while some first call of a first choice is sound. Tools and cuts as in
    `without_json`."""
    places: dict[tuple[int, int], list[tuple[Exchange, str, str]]] = {}
    for answer in answers:
        tools = offered(sent(answer))
        for call in calls_in(_readable(answer) or {"choices": []}):
            taken = tools.get(call.name or "", {}).get("parameters")
            if taken is not None and call.arguments is not None and not call.cut:
                wrong = what_is_wrong(call.arguments) or what_is_missing(call.arguments, taken)
                places.setdefault(call.place, []).append((answer, call.name or "", wrong))
    if all(wrong for _, _, wrong in places.pop((0, 0), [])):
        return []
    return [
        Violation(x, f"{name}, call {number + 1} of choice {choice}: {wrong}")
        for (choice, number), told in places.items()
        if all(wrong for _, _, wrong in told)
        for x, name, wrong in told
    ]


def _readable(exchange: Exchange) -> Json | None:
    with suppress(Unusable):
        document = reply_of(exchange)
        calls_in(document)
        return document
    return None


def _was_cut(document: Json) -> bool:
    return all(choice.get("finish_reason") in CUT for choice in choices(document))
