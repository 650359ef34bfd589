"""What the events of a stream have in common around their text, so that one can be known by its bytes, without JSON."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from conformance.rules.streams.chunks import deltas_of, pieces_of

PLAIN = bytes(code for code in range(0x20, 0x7F) if code not in b'"\\')
"""The bytes of a text that JSON shows as they are; others, such as escapes and UTF-8, want to be looked at."""
_PROBE = "gateproof?"


class Envelope(NamedTuple):
    """The bytes of an event before its text, and those after. An event between them is one whose text alone is new."""

    before: bytes
    after: bytes


def envelope_of(block: bytes, chunk: dict[str, Any]) -> Envelope | None:
    """The envelope of an event that carries one plain text, given as bytes and as the JSON they hold.

    It is tried with another text, so that what is taken for the text is the text. None if there is no such place.
    """
    texts = list(texts_of(chunk))
    if len(texts) != 1 or not texts[0].isascii() or (value := texts[0].encode()).translate(None, PLAIN):
        return None
    at = block.find(b'"%b"' % value)
    while at >= 0:
        before, after = block[: at + 1], block[at + 1 + len(value) :]
        try:
            probe = json.loads(before[before.index(b"{") :] + _PROBE.encode() + after)
        except ValueError:
            probe = {}
        if list(texts_of(probe)) == [_PROBE] and json.dumps(probe).replace(_PROBE, texts[0]) == json.dumps(chunk):
            return Envelope(before, after)
        at = block.find(b'"%b"' % value, at + 1)
    return None


def texts_of(chunk: dict[str, Any]) -> Iterator[str]:
    """Every piece of generated text in a chunk, thoughts and the arguments of tool calls included."""
    yield from pieces_of(chunk)
    for _, delta in deltas_of(chunk):
        calls = delta.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            function = call.get("function") if isinstance(call, dict) else None
            arguments = function.get("arguments") if isinstance(function, dict) else None
            if isinstance(arguments, str) and arguments:
                yield arguments
