"""Mends what providers are known to do a little otherwise than the API, so that clients see one API."""

from collections.abc import Iterator
from typing import Any

from reference_gateway.call import Json

_FINISHES = frozenset(("stop", "length", "tool_calls", "content_filter", "function_call"))
_OTHER_WORDS = {"max_tokens": "length", "model_length": "length", "tool_use": "tool_calls", "safety": "content_filter"}
"""What some call them; anything else is a plain end."""


class Mending:
    """Mends one answer, or the chunks of one stream, in place."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: dict[Any, int] = {}
        """The index of the tool call that each choice is at."""

    def chunk(self, chunk: Json) -> Json | None:
        """The chunk as it should be; None for one that says nothing."""
        if chunk.get("choices") == [] and not chunk.get("usage"):
            return None
        for choice in _choices(chunk):
            _finish(choice)
            delta = choice.get("delta")
            calls = delta.get("tool_calls") if isinstance(delta, dict) else None
            for fragment in calls if isinstance(calls, list) else ():
                if isinstance(fragment, dict):
                    self._number(choice.get("index"), fragment)
        return chunk

    def _number(self, choice: Any, fragment: Json) -> None:
        """A fragment with an id begins a call; one without goes on with the one before it."""
        index = fragment.get("index")
        if isinstance(index, int):
            self._last[choice] = index
            return
        if fragment.get("id") or choice not in self._last:
            self._last[choice] = self._last.get(choice, -1) + 1
        fragment["index"] = self._last[choice]


def mended(answer: Json) -> Json:
    """The answer as it should be."""
    for choice in _choices(answer):
        _finish(choice)
    return answer


def _finish(choice: Json) -> None:
    reason = choice.get("finish_reason")
    if isinstance(reason, str) and reason not in _FINISHES:
        choice["finish_reason"] = _OTHER_WORDS.get(reason.lower(), "stop")


def _choices(document: Json) -> Iterator[Json]:
    choices = document.get("choices")
    yield from (choice for choice in (choices if isinstance(choices, list) else ()) if isinstance(choice, dict))
