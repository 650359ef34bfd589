"""What the scripted provider kept of a chat: what the gateway sent on, and when what came back left."""

import json
from base64 import b64decode
from dataclasses import dataclass
from typing import Any

from conformance.exchange import Blame, Exchange, Headers, Unusable
from conformance.reading.traffic import reply_of
from conformance.shape import choices, dig


@dataclass(frozen=True, slots=True)
class Received:
    """One request of the gateway's to its provider.

    `writes` are (seconds since it came, bytes) of what was answered. `ended` is "sent", "cut" (the provider was told
    to), "left" (the gateway went away), or "" where it had not ended when it was read.
    """

    method: str
    path: str
    headers: Headers
    body: bytes
    writes: tuple[tuple[float, int], ...]
    ended: str
    ended_s: float

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
        )
        for row in kept.json["received"]
    ]


def sent_on(told: dict[str, Exchange]) -> Received:
    """The last request that the gateway made of a chat. Raises Unusable if it made none."""
    found = received(told["kept"])
    if not found:
        raise Unusable(f"the gateway did not ask its provider: {told['asked'].seen}")
    return found[-1]


def asked_by(told: dict[str, Exchange]) -> Exchange:
    """The chat as the client sees it. Raises Unusable if its provider was not asked at all."""
    _ = sent_on(told)
    return told["asked"]


def served(told: dict[str, Exchange], text: str) -> None:
    """Raises Unusable unless the simplest scripted chat, or stream, comes as its provider answers it: with this
    text."""
    asked = asked_by(told)
    if not asked.ok or text_of(asked) != text:
        kind = "stream" if asked.sent.get("stream") else "chat"
        raise Unusable(f"the simplest scripted {kind} is not answered as its provider answers it: {asked.seen}")


def text_of(exchange: Exchange) -> Any:
    """The text of the first choice, plain or streamed; None where there is none."""
    try:
        return dig(choices(reply_of(exchange))[0], "message", "content")
    except (Unusable, LookupError):
        return None
