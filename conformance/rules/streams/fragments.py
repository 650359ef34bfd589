"""Rules of streamed tool calls: fragments that a client joins by index."""

from collections.abc import Iterator
from typing import Any

from conformance.rules import Json, StreamRule
from conformance.rules.streams.chunks import deltas_of
from conformance.shape import is_int, show


def fragments_of(chunk: Json) -> list[tuple[int, Any]]:
    """(choice index, fragment) of every tool-call fragment, whatever it is."""
    calls = [(index, delta.get("tool_calls")) for index, delta in deltas_of(chunk)]
    return [(index, fragment) for index, found in calls if isinstance(found, list) for fragment in found]


class FragmentsHaveIndex(StreamRule):
    def chunk(self, chunk: Json) -> Iterator[str]:
        for _, fragment in fragments_of(chunk):
            if not isinstance(fragment, dict) or not is_int(fragment.get("index")):
                yield f"a tool-call fragment has no integer index: {show(fragment)}"


class _ByCall(StreamRule):
    """Folds over fragments, told apart by choice and index; those without an index are FragmentsHaveIndex's business.

    A fragment with an id of its own under an index that is taken begins another call: IndexesCountUp's business.
    """

    def __init__(self) -> None:
        self._ids: dict[tuple[int, int], Any] = {}

    def chunk(self, chunk: Json) -> Iterator[str]:
        for choice, fragment in fragments_of(chunk):
            if not isinstance(fragment, dict) or not is_int(fragment.get("index")):
                continue
            key, id = (choice, fragment["index"]), fragment.get("id")
            if key not in self._ids:
                yield from self.first(choice, fragment)
                self._ids[key] = id
            elif id and self._ids[key] and id != self._ids[key]:
                yield from self.another(fragment)
                self._ids[key] = id
            else:
                yield from self.later(fragment)

    def first(self, choice: int, fragment: Json) -> Iterator[str]:
        yield from ()

    def another(self, fragment: Json) -> Iterator[str]:
        yield from ()

    def later(self, fragment: Json) -> Iterator[str]:
        yield from ()


class FirstFragmentIntroduces(_ByCall):
    """The first fragment of a call carries its id, type "function" and name."""

    def first(self, choice: int, fragment: Json) -> Iterator[str]:
        name = _function(fragment).get("name")
        if not (isinstance(fragment.get("id"), str) and fragment["id"]):
            yield f"the first fragment of a call has the id {show(fragment.get('id'))}"
        if fragment.get("type") != "function":
            yield f"the first fragment of a call has the type {show(fragment.get('type'))}"
        if not (isinstance(name, str) and name):
            yield f"the first fragment of a call has the name {show(name)}"


class LaterFragmentsAddNothing(_ByCall):
    """Later fragments repeat neither id nor name: clients join them as text."""

    def later(self, fragment: Json) -> Iterator[str]:
        for key, value in (("id", fragment.get("id")), ("name", _function(fragment).get("name"))):
            if value:
                yield f"a later fragment repeats the {key} {show(value)}"


class TypeIsNeverNull(_ByCall):
    def later(self, fragment: Json) -> Iterator[str]:
        if "type" in fragment and fragment["type"] != "function":
            yield f"a later fragment has the type {show(fragment['type'])}"


class IndexesCountUp(_ByCall):
    def __init__(self) -> None:
        super().__init__()
        self._next: dict[int, int] = {}

    def first(self, choice: int, fragment: Json) -> Iterator[str]:
        expected = self._next.get(choice, 0)
        if fragment["index"] != expected:
            yield f"a call begins with the index {show(fragment['index'])}, the next one is {expected}"
        self._next[choice] = max(expected, fragment["index"]) + 1

    def another(self, fragment: Json) -> Iterator[str]:
        yield f"another call, {show(fragment['id'])}, begins with the index {show(fragment['index'])} again"


class ArgumentsAreText(_ByCall):
    def first(self, choice: int, fragment: Json) -> Iterator[str]:
        arguments = _function(fragment).get("arguments")
        if not isinstance(arguments, str | None):
            yield f"a fragment has the arguments {show(arguments)}"

    def later(self, fragment: Json) -> Iterator[str]:
        arguments = _function(fragment).get("arguments", "")
        if not isinstance(arguments, str):
            yield f"a later fragment has the arguments {show(arguments)}"


def _function(fragment: Json) -> dict[str, Any]:
    function = fragment.get("function")
    return function if isinstance(function, dict) else {}
