"""Rules of a streamed response: its events by themselves, their order, and that they all tell the same story."""

from collections.abc import Iterator
from typing import Any

from conformance.exchange import clip
from conformance.rules import Json, StreamRule
from conformance.rules.responses import item_has_not_ended
from conformance.shape import is_int, show
from conformance.sse import DONE, Event
from schemas import violations

ENDS = ("response.completed", "response.incomplete", "response.failed")
LOOKED_AT = 3
"""Events of one type of which the members are looked at: the others are made by the same hands."""
Place = tuple[int, int]
"""Where a text stands: the index of its item in the output, and that of its part."""
CALL = -1
"""Stands for a part where there is none: the arguments of a call."""


def is_end(event: Json) -> bool:
    return event.get("type") in (*ENDS, "error")


def response_of(event: Json) -> Json:
    """The response that an event holds; an empty one if there is none."""
    found = event.get("response")
    return found if isinstance(found, dict) else {}


def output_of(response: Json) -> list[Json]:
    found = response.get("output")
    return [item if isinstance(item, dict) else {} for item in found] if isinstance(found, list) else []


class EventsAreTyped(StreamRule):
    """Every payload but [DONE] is an object with a type, which is the event's name if it has one."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def feed(self, event: Event, chunk: Json | None) -> Iterator[str]:
        if event.data is None or event.data.strip() == DONE:
            return
        if chunk is None:
            yield f"an event holds no JSON object: {clip(event.data)}"
            return
        kind = chunk.get("type")
        if not isinstance(kind, str) or not kind:
            yield f"the type of an event is {show(kind)}"
            return
        names = [value for name, value in event.fields if name == "event"]
        if names and names[-1] != kind:
            yield f"the event {show(names[-1])} has the type {show(kind)}"
        self._seen[kind] = self._seen.get(kind, 0) + 1
        if self._seen[kind] <= LOOKED_AT:
            told = violations("response_event", chunk, leaving=["response", "sequence_number"])
            yield from (f"of {kind}, {seen}" for seen in told)


class BeginsWithCreated(StreamRule):
    """The first event holds the response."""

    def __init__(self) -> None:
        self._begun = False

    def chunk(self, chunk: Json) -> Iterator[str]:
        if self._begun:
            return
        self._begun = True
        if chunk.get("type") != "response.created":
            yield f"the first event has the type {show(chunk.get('type'))}"
        elif not response_of(chunk).get("id"):
            yield f"the response of response.created is {show(chunk.get('response'))}"


class BeginsOnce(StreamRule):
    """The response is created once, with a list for its output, and at one time."""

    def __init__(self) -> None:
        self._created: Any = None
        self._times = 0

    def chunk(self, chunk: Json) -> Iterator[str]:
        response, kind = response_of(chunk), chunk.get("type")
        if kind == "response.created":
            self._times += 1
            if self._times > 1:
                yield "response.created comes again"
            elif not isinstance(response.get("output"), list):
                yield f"the output in response.created is {show(response.get('output'))}"
        if isinstance(at := response.get("created_at"), int | float):
            self._created = at if self._created is None else self._created
            if at != self._created:
                yield f"created_at is {show(self._created)}, and {show(at)} in {kind}"


class EndsOnce(StreamRule):
    """One event ends the stream, with a response of the status that it tells."""

    def __init__(self) -> None:
        self._end = ""

    def chunk(self, chunk: Json) -> Iterator[str]:
        kind = str(chunk.get("type"))
        if self._end:
            yield f"after {self._end} comes {kind}"
        elif is_end(chunk):
            self._end = kind
            status = response_of(chunk).get("status")
            if kind in ENDS and status != kind.removeprefix("response."):
                yield f"the response of {kind} has the status {show(status)}"

    def end(self) -> Iterator[str]:
        if not self._end:
            yield "the stream ends without response.completed, response.incomplete or response.failed"


class PartsAreAnnounced(StreamRule):
    """Items and parts are opened before anything is said in them, and closed once. What is after the end of the
    response is judged elsewhere."""

    def __init__(self) -> None:
        self._items: dict[int, bool] = {}
        """Whether it is open, for each item that was announced."""
        self._parts: dict[Place, bool] = {}
        self._said: set[Place] = set()
        """Texts that have ended."""
        self._ended = False
        self._is_told = True
        """Whether all items that were announced have told their place: what has none is judged elsewhere."""

    def chunk(self, chunk: Json) -> Iterator[str]:
        kind, index, part = str(chunk.get("type")), chunk.get("output_index"), chunk.get("content_index")
        if kind == "response.output_item.added" and not is_int(index):
            self._is_told = False
        if is_end(chunk):
            yield from self._at_the_end(chunk)
            self._ended = True
        if self._ended or not is_int(index):
            return
        place = (index, part if is_int(part) else CALL)
        if kind == "response.output_item.added":
            if index in self._items:
                yield f"item {index} is announced twice"
            self._items[index] = True
        elif not self._items.get(index):
            yield f"{kind} comes {'after the end of' if index in self._items else 'before'} its item {index}"
        elif kind == "response.output_item.done":
            self._items[index] = False
            yield from self._left_open(chunk, index)
        elif kind == "response.content_part.added":
            if place in self._parts:
                yield f"part {place[1]} of item {index} is announced twice"
            self._parts[place] = True
        elif kind == "response.content_part.done":
            yield from self._in_an_open_part(kind, place)
            self._parts[place] = False
            said = chunk.get("part")
            if isinstance(said, dict) and said.get("type") == "output_text" and place not in self._said:
                yield f"part {place[1]} of item {index} ends without response.output_text.done"
        elif kind.startswith(("response.output_text.", "response.refusal.")):
            yield from self._in_an_open_part(kind, place)
            yield from self._of_an_open_text(kind, place)
        elif kind.startswith("response.function_call_arguments."):
            yield from self._of_an_open_text(kind, (index, CALL))

    def _in_an_open_part(self, kind: str, place: Place) -> Iterator[str]:
        if not self._parts.get(place):
            word = "after the end of" if place in self._parts else "before"
            yield f"{kind} comes {word} its part {place[1]} of item {place[0]}"

    def _of_an_open_text(self, kind: str, place: Place) -> Iterator[str]:
        if place in self._said and kind.endswith((".delta", ".done")):
            yield f"{kind} comes after the end of its text in item {place[0]}"
        if kind.endswith(".done"):
            self._said.add(place)

    def _left_open(self, chunk: Json, index: int) -> Iterator[str]:
        for place, is_open in self._parts.items():
            if place[0] == index and is_open:
                yield f"item {index} ends before its part {place[1]}"
        item = chunk.get("item")
        is_call = isinstance(item, dict) and item.get("type") == "function_call"
        if is_call and (index, CALL) not in self._said:
            yield f"item {index} ends without response.function_call_arguments.done"

    def _at_the_end(self, chunk: Json) -> Iterator[str]:
        if chunk.get("type") not in ("response.completed", "response.incomplete"):
            return
        yield from (f"item {index} has no end" for index, is_open in self._items.items() if is_open)
        final = range(len(output_of(response_of(chunk)))) if self._is_told else ()
        unknown = [index for index in final if index not in self._items]
        yield from (f"item {index} of the final output was not announced" for index in unknown)


class Numbered(StreamRule):
    """The numbers count from 0; the first that does not is told."""

    def __init__(self) -> None:
        self._next: int | None = 0

    def chunk(self, chunk: Json) -> Iterator[str]:
        if self._next is None:
            return
        found = chunk.get("sequence_number")
        if found != self._next or not is_int(found):
            yield f"the sequence_number of {chunk.get('type')} is {show(found)}, the {self._next} was next"
            self._next = None
        else:
            self._next += 1


class TextsAgree(StreamRule):
    """What is said of each text is the same, wherever it is said: in its deltas, at its end, and in the response."""

    _DELTA, _DONE, _MEMBER = "response.output_text.delta", "response.output_text.done", "text"

    def __init__(self) -> None:
        self._deltas: dict[Place, str] = {}
        self._told: list[tuple[Place, str, str]] = []
        """(place, by what, text) of all that claims to be a whole text."""
        self._items: set[int] = set()
        self._is_told = True
        """Whether all deltas have told their place: those that have none are judged elsewhere."""

    def chunk(self, chunk: Json) -> Iterator[str]:
        kind, index, part = chunk.get("type"), chunk.get("output_index"), chunk.get("content_index")
        if kind == self._DELTA and not is_int(index):
            self._is_told = False
        if kind in ("response.completed", "response.incomplete"):
            final = output_of(response_of(chunk))
            for number in sorted({*self._items, *range(len(final))}):
                self._note_item(number, f"the output of {kind}", final[number] if 0 <= number < len(final) else {})
        if not is_int(index):
            return iter(())
        place = (index, part if is_int(part) else CALL)
        if kind == self._DELTA and isinstance(chunk.get("delta"), str):
            self._deltas[place] = self._deltas.get(place, "") + chunk["delta"]
            self._items.add(index)
        elif kind == self._DONE:
            self._note(place, str(kind), chunk.get(self._MEMBER))
        elif kind == "response.content_part.done":
            self._note_part(place, str(kind), chunk.get("part"))
        elif kind == "response.output_item.done":
            self._note_item(index, str(kind), chunk.get("item"))
        return iter(())

    def end(self) -> Iterator[str]:
        for place, by, text in self._told if self._is_told else ():
            deltas = self._deltas.get(place, "")
            if text != deltas:
                yield f"the deltas of item {place[0]} are {show(deltas)}, {by} says {show(text)}"

    def _note(self, place: Place, by: str, text: Any) -> None:
        if isinstance(text, str):
            self._told.append((place, by, text))

    def _note_part(self, place: Place, by: str, part: Any) -> None:
        if isinstance(part, dict) and part.get("type") == "output_text":
            self._note(place, by, part.get("text"))

    def _note_item(self, index: int, by: str, item: Any) -> None:
        parts = item.get("content") if isinstance(item, dict) else None
        found = parts if isinstance(parts, list) else []
        for number, part in enumerate(found):
            self._note_part((index, number), by, part)
        for place in self._deltas:
            if place[0] == index and place[1] >= len(found):
                self._note(place, by, "")


class ArgumentsAgree(TextsAgree):
    """The same of the arguments of calls."""

    _DELTA = "response.function_call_arguments.delta"
    _DONE = "response.function_call_arguments.done"
    _MEMBER = "arguments"

    def _note_part(self, place: Place, by: str, part: Any) -> None:
        """Calls have no parts."""

    def _note_item(self, index: int, by: str, item: Any) -> None:
        if isinstance(item, dict) and item.get("type") == "function_call":
            self._note((index, CALL), by, item.get("arguments"))
        elif (index, CALL) in self._deltas:
            self._note((index, CALL), by, "")


class ItemsBeginAndEnd(StreamRule):
    """What is said of an item in deltas was not said already as it was announced, and what has ended says so."""

    def __init__(self) -> None:
        self._full: set[int] = set()

    def chunk(self, chunk: Json) -> Iterator[str]:
        kind, index, item = str(chunk.get("type")), chunk.get("output_index"), chunk.get("item")
        if not is_int(index):
            return
        if kind == "response.output_item.added" and isinstance(item, dict):
            if item.get("type") in ("message", "function_call") and (item.get("content") or item.get("arguments")):
                self._full.add(index)
        elif kind == "response.output_item.done":
            yield from item_has_not_ended(item)
        elif index in self._full and kind.endswith((".output_text.delta", ".function_call_arguments.delta")):
            self._full.remove(index)
            yield f"item {index} was announced with what its deltas say again"


class IdsAreConstant(StreamRule):
    """The ids of the response and of its items, and what calls are to be answered by."""

    def __init__(self) -> None:
        self._response: Any = None
        self._items: dict[int, str] = {}
        self._calls: dict[int, str] = {}

    def chunk(self, chunk: Json) -> Iterator[str]:
        kind, index = str(chunk.get("type")), chunk.get("output_index")
        id = response_of(chunk).get("id")
        if isinstance(id, str):
            self._response = self._response or id
            if id != self._response:
                yield f"the response's id is {show(self._response)}, and {show(id)} in {kind}"
        if is_int(index):
            item = chunk.get("item")
            yield from self._of_item(index, kind, item.get("id") if isinstance(item, dict) else chunk.get("item_id"))
            yield from self._of_call(index, kind, item)
        if kind in ENDS:
            for number, found in enumerate(output_of(response_of(chunk))):
                yield from self._of_item(number, f"the output of {kind}", found.get("id"))
                yield from self._of_call(number, f"the output of {kind}", found)

    def _of_item(self, index: int, where: str, id: Any) -> Iterator[str]:
        if isinstance(id, str) and self._items.setdefault(index, id) != id:
            yield f"the id of item {index} is {show(self._items[index])}, and {show(id)} in {where}"

    def _of_call(self, index: int, where: str, item: Any) -> Iterator[str]:
        id = item.get("call_id") if isinstance(item, dict) else None
        if isinstance(id, str) and id and self._calls.setdefault(index, id) != id:
            yield f"the call_id of item {index} is {show(self._calls[index])}, and {show(id)} in {where}"


class EventsNameTheirItem(StreamRule):
    """Events of an item's text have its id, and a call has its name from the beginning."""

    def __init__(self) -> None:
        self._names: dict[Any, Any] = {}

    def chunk(self, chunk: Json) -> Iterator[str]:
        kind, index, item = str(chunk.get("type")), chunk.get("output_index"), chunk.get("item")
        if isinstance(item, dict) and item.get("type") == "function_call" and is_int(index):
            first = self._names.setdefault(index, item.get("name"))
            if first != item.get("name"):
                yield f"the name of item {index} is {show(first)}, and {show(item.get('name'))} in {kind}"
        is_text = kind.startswith(("response.output_text.", "response.content_part.", "response.function_call_arg"))
        if is_text and not isinstance(chunk.get("item_id"), str):
            yield f"the item_id of {kind} is {show(chunk.get('item_id'))}"
