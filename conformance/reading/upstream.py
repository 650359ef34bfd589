"""What the scripted provider kept of a chat (what the gateway sent on, and when what came back left), and the chat as
its client saw it."""

import json
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.exchange import Blame, Exchange, Headers, Unusable
from conformance.reading.traffic import reply_of
from conformance.shape import choices, dig, show
from conformance.verdict import Inconclusive, Violation


@dataclass(frozen=True, slots=True)
class Received:
    """One request of the gateway's to its provider.

    `at` is when it came, in Unix time. `writes` are (seconds since then, bytes) of what was answered. `ended` is
    "sent", "cut" (the provider was told to), "left" (the gateway went away), or "" where it had not ended when it was
    read.
    """

    method: str
    path: str
    headers: Headers
    body: bytes
    writes: tuple[tuple[float, int], ...]
    ended: str
    ended_s: float
    at: float

    @property
    def json(self) -> dict[str, Any]:
        """The JSON object that was sent; an empty one if it was none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


def received(kept: Exchange) -> list[Received]:
    """All requests that came with a script, in their order. Raises Unusable if the provider does not tell."""
    if not kept.ok or not kept.is_json:
        raise Unusable(f"the scripted provider does not show its records: {kept.seen}", blame=Blame.NETWORK)
    return [
        Received(
            method=row["method"],
            path=row["path"],
            headers=tuple((name, value) for name, value in row["headers"]),
            body=b64decode(row["body"]),
            writes=tuple((at_s, size) for at_s, size in row["writes"]),
            ended=row["ended"],
            ended_s=row["ended_s"],
            at=row["at"],
        )
        for row in kept.json["received"]
    ]


def sent_on(told: dict[str, Exchange]) -> Received:
    """The last request that the gateway made of a chat. Raises Unusable if it made none, or Inconclusive where it
    throttles, or refuses streams, of which STREAM tells."""
    found, asked = received(told["kept"]), told["asked"]
    if not found and asked.status == 429:
        raise Inconclusive(f"the gateway throttles: {asked.seen}", blame=None)
    if not found and asked.sent.get("stream") and asked.status in (400, 422):
        raise Inconclusive(f"the gateway refuses a stream: {asked.seen}", blame=None)
    if not found:
        raise Unusable(f"the gateway did not ask its provider: {asked.seen}")
    return found[-1]


def taken(cases: Mapping[str, dict[str, Exchange]]) -> dict[str, dict[str, Exchange]]:
    """Those of these chats that the gateway did not refuse by itself, as it may what it does not offer. Raises
    Inconclusive if there is none."""
    found = {case: told for case, told in cases.items() if not _is_refused(told)}
    if not found:
        raise Inconclusive("the gateway refuses all that was to be sent on", blame=None)
    return found


def _is_refused(told: dict[str, Exchange]) -> bool:
    asked = told["asked"]
    refused = asked.complete and 400 <= asked.status < 500 and asked.status not in (401, 408, 429)
    return refused and not received(told["kept"])


def chat_of(told: dict[str, Exchange]) -> Exchange:
    """The chat as the client saw it. Raises Unusable if its provider was not asked at all."""
    _ = sent_on(told)
    return told["asked"]


def as_scripted(told: dict[str, Exchange], text: str) -> None:
    """Raises Unusable unless the simplest scripted chat, or stream, comes with the text that its provider answered."""
    asked = chat_of(told)
    if not asked.ok or text_of(asked) != text:
        kind = "stream" if asked.sent.get("stream") else "chat"
        seen = f"UPS-027: {unlike(text, text_of(asked))}" if asked.ok else asked.seen
        raise Unusable(f"the simplest scripted {kind} is not answered as its provider answers it: {seen}")


def unlike(text: str, found: Any) -> str:
    """Where what came begins to differ from the text of its provider, in words."""
    if not isinstance(found, str):
        return f"the text {show(text)} comes as {show(found)}"
    at = next((i for i, (a, b) in enumerate(zip(text, found, strict=False)) if a != b), min(len(text), len(found)))
    size = f", {len(found)} of {len(text)} letters" if len(found) != len(text) else ""
    begin = max(0, at - 10)
    return f"from letter {at + 1} on {show(text[begin:], 40)} comes as {show(found[begin:], 40)}{size}"


def text_of(exchange: Exchange) -> Any:
    """The text of the first choice; None where there is none."""
    try:
        return dig(choices(reply_of(exchange))[0], "message", "content")
    except (Unusable, LookupError):
        return None


def other_texts(cases: Mapping[str, dict[str, Exchange]], text: str) -> Iterator[Violation]:
    """Those of these chats that come with another text than their provider answered."""
    for case, told in cases.items():
        asked = chat_of(told)
        found = text_of(asked) if asked.ok else None
        if found != text:
            yield Violation(asked, f"{case}: {asked.seen if found is None else unlike(text, found)}")


ASSUMED = {"strict": False}
"""Members that mean the same where they are left out."""


def is_kept(here: Any, there: Any) -> bool:
    """Whether what was sent is still there: each member with its value, others may have been added. That there is
    nothing in a member may be told in several ways."""
    if isinstance(here, dict) and isinstance(there, dict):
        left_out = [key for key, value in here.items() if key not in there and not _is_nothing(value)]
        is_lost = any(key not in ASSUMED or here[key] is not ASSUMED[key] for key in left_out)
        kept = (is_kept(value, there[key]) for key, value in here.items() if key in there and not _is_nothing(value))
        return not is_lost and all(kept)
    if isinstance(here, list) and isinstance(there, list):
        return len(here) == len(there) and all(map(is_kept, here, there))
    return type(here) is type(there) and bool(here == there) if isinstance(here, bool | str) else bool(here == there)


def _is_nothing(value: Any) -> bool:
    return value is None or value == ""
