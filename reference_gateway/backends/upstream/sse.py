"""Reads a provider's event stream (WHATWG server-sent events) from bytes as they arrive, wherever they were cut."""

from dataclasses import dataclass

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Event:
    """One event that carried data; `data` is still bytes, its lines joined by LF."""

    name: str
    data: bytes


class EventReader:
    """Takes bytes in pieces and gives the events that they complete. An event without its blank line never comes."""

    __slots__ = ("_after_cr", "_at_start", "_data", "_name", "_partial")

    def __init__(self) -> None:
        self._partial: list[bytes] = []
        self._data: list[bytes] = []
        self._name = ""
        self._after_cr = False
        self._at_start = True

    def feed(self, piece: bytes) -> list[Event]:
        """The events that `piece` completes, in order."""
        if self._after_cr and piece:
            piece = piece.removeprefix(b"\n")
            self._after_cr = False
        events = []
        for line in piece.splitlines(keepends=True):
            content = line.rstrip(b"\r\n")
            self._partial.append(content)
            if len(content) == len(line):
                continue
            self._after_cr = line.endswith(b"\r")
            content = b"".join(self._partial)
            self._partial.clear()
            if self._at_start:
                content = content.removeprefix(_BOM)
                self._at_start = False
            if (event := self._line(content)) is not None:
                events.append(event)
        return events

    def _line(self, line: bytes) -> Event | None:
        if not line:
            return self._dispatch()
        field, _, value = line.partition(b":")
        if field == b"data":
            self._data.append(value.removeprefix(b" "))
        elif field == b"event":
            self._name = value.removeprefix(b" ").decode("utf-8", "replace")
        return None

    def _dispatch(self) -> Event | None:
        event = Event(self._name, b"\n".join(self._data)) if self._data else None
        self._data.clear()
        self._name = ""
        return event
