"""What must hold on every exchange: pure functions over bodies and folds over events.

A rule knows nothing of where a body or an event came from, and says in a sentence what is wrong: what was seen, not
what was expected, which is the requirement's own statement.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from conformance.sse import Event

Json = dict[str, Any]
BodyRule = Callable[[Json], Iterable[str]]


class StreamRule:
    """A fold over one stream: fed event by event, it yields a sentence for each violation as soon as it shows.

    Subclasses override what they need. `event` sees every block, `chunk` the JSON object of those that hold one,
    `end` is called once when the stream is over.
    """

    def event(self, event: Event) -> Iterable[str]:
        return ()

    def chunk(self, chunk: Json) -> Iterable[str]:
        return ()

    def end(self) -> Iterable[str]:
        return ()

    def feed(self, event: Event, chunk: Json | None) -> Iterator[str]:
        """One event and its JSON object, None if it holds none."""
        yield from self.event(event)
        if chunk is not None:
            yield from self.chunk(chunk)
