"""Writes the chunks of a stream as server-sent events. What a chunk shares with the one before is serialised once."""

from json.encoder import encode_basestring_ascii
from typing import Any

from reference_gateway.call import Json
from reference_gateway.wire_json import one_line

_HOLE = "\0gateproof\0"
_HOLE_ON_THE_WIRE = one_line(_HOLE)
_MOST_CHOICES = 8


def event(value: Any) -> bytes:
    """The value as one event."""
    return b"data: %b\n\n" % one_line(value)


class _Form:
    """A chunk with a hole where its text is: what is on the wire before and after it."""

    __slots__ = ("_after", "_before", "_chunk", "_name", "_said")

    def __init__(self, chunk: Json, choice: Json, said: Json, name: str) -> None:
        self._said, self._name = dict(said), name
        choice = self._said if said is choice else {**choice, "delta": self._said}
        self._chunk = {**chunk, "choices": [choice]}
        self._said[name] = _HOLE
        self._before, self._after = event(self._chunk).split(_HOLE_ON_THE_WIRE)

    def filled(self, chunk: Json, text: str) -> bytes | None:
        """This chunk as an event if it differs in nothing but its text."""
        self._said[self._name] = text
        if chunk != self._chunk:
            return None
        return b"%b%b%b" % (self._before, encode_basestring_ascii(text).encode("ascii"), self._after)


class Events:
    """Makes the events of one stream."""

    __slots__ = ("_forms",)

    def __init__(self) -> None:
        self._forms: dict[int, _Form | None] = {}

    def event(self, chunk: Json) -> bytes:
        try:
            [choice] = chunk["choices"]
            index, said, name = choice["index"], choice, "text"
            if "delta" in choice:
                said, name = choice["delta"], "content"
                if len(said) != 1:
                    return event(chunk)
            text = said[name]
            form = self._forms.get(index)
        except (LookupError, TypeError, ValueError):
            return event(chunk)
        if type(text) is not str or type(index) is not int:
            return event(chunk)
        if form is None:
            if len(self._forms) < _MOST_CHOICES and _is_plain(chunk, choice):
                self._forms[index] = _Form(chunk, choice, said, name)
            return event(chunk)
        return form.filled(chunk, text) or event(chunk)


def _is_plain(chunk: Json, choice: Json) -> bool:
    """Whether it is a chunk of text with nothing beside it that could change, such as log-probabilities."""
    rest = (value for name, value in (*chunk.items(), *choice.items()) if name not in ("choices", "delta"))
    return all(value is None or type(value) in (str, int) for value in rest)
