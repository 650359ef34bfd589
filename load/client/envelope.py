"""What the events of a stream have in common around their text, so that one can be known by its bytes, without JSON."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from conformance.rules.streams.chunks import SPOKEN

PLAIN = bytes(code for code in range(0x20, 0x7F) if code not in b'"\\')
"""The bytes of a text that JSON shows as they are; others, such as escapes and UTF-8, want to be looked at."""
_PROBE = "gateproof?"


class Envelope(NamedTuple):
    """The bytes of an event before its text, and those after. An event between them is one whose text alone is new."""

    before: bytes
    after: bytes

    def texts(self, events: Sequence[bytes]) -> list[bytes] | None:
        """The texts of these events; None if one of them has another envelope, or a text that wants to be looked at."""
        before, after = self
        start, end = len(before), -len(after)
        found = [event[start:end] for event in events if event.startswith(before) and event.endswith(after)]
        plain = len(found) == len(events) and all(found) and not b"".join(found).translate(None, PLAIN)
        return found if plain else None


def envelope_of(block: bytes, chunk: dict[str, Any]) -> Envelope | None:
    """The envelope of an event that carries one plain text, given as bytes and as the JSON they hold.

    Without escapes every text stands there as it is, so the only place where this one stands is its own. Otherwise each
    place is tried with another text, so that what is taken for the text is the text. None if there is no such place.
    """
    texts = texts_of(chunk)
    if len(texts) != 1 or not (text := texts[0][2]).isascii() or (value := text.encode()).translate(None, PLAIN):
        return None
    quoted = b'"%b"' % value
    at = block.find(quoted)
    if at >= 0 and at == block.rfind(quoted) and b"\\" not in block:
        return Envelope(block[: at + 1], block[at + 1 + len(value) :])
    while at >= 0:
        before, after = block[: at + 1], block[at + 1 + len(value) :]
        try:
            probe = json.loads(before[before.index(b"{") :] + _PROBE.encode() + after)
        except ValueError:
            probe = {}
        found = texts_of(probe)
        if len(found) == 1 and found[0][2] == _PROBE:
            holder, name, _ = found[0]
            holder[name] = text
            if probe == chunk:
                return Envelope(before, after)
        at = block.find(quoted, at + 1)
    return None


def texts_of(chunk: dict[str, Any]) -> list[tuple[dict[str, Any], str, str]]:
    """Every piece of generated text in a chunk, thoughts and the arguments of tool calls included, each with the object
    that holds it and its name there."""
    found = []
    choices = chunk.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if not isinstance(choice, dict):
            continue
        if (text := choice.get("text")) and isinstance(text, str):
            found.append((choice, "text", text))
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            continue
        for name in SPOKEN:
            if (text := delta.get(name)) and isinstance(text, str):
                found.append((delta, name, text))
        calls = delta.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            function = call.get("function") if isinstance(call, dict) else None
            if isinstance(function, dict) and (text := function.get("arguments")) and isinstance(text, str):
                found.append((function, "arguments", text))
    return found
