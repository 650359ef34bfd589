"""What the upstream keeps of the requests that carried a script: all that the gateway sent on, and when what came
back left."""

import asyncio
import time
from base64 import b64encode
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

SECOND = "/second"
"""What the paths of the second provider begin with."""
KEPT_IDS = 5_000
KEPT_BODY = 256 * 1024
NOTHING_S = 0.25
"""After which what has not come by then is not waited for: whoever asks has the gateway's answer already."""


@dataclass(slots=True)
class Received:
    """One request as it came. Times are seconds since then, by a clock that never goes back; `at` is Unix time.

    `writes` are (time, bytes) of what was given to the socket. `ended` is "" while it is answered, then "sent", "cut",
    or "left" where the gateway went away before the end.
    """

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    at: float = field(default_factory=time.time)
    writes: list[tuple[float, int]] = field(default_factory=list)
    ended: str = ""
    ended_s: float = 0.0
    _began: float = field(default_factory=time.monotonic)

    @property
    def provider(self) -> str:
        """Which of the two providers it came to: SECOND, or "" for the first."""
        return SECOND if self.path.startswith(f"{SECOND}/") else ""

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._began

    def end(self, how: str) -> None:
        if not self.ended:
            self.ended, self.ended_s = how, self.elapsed_s

    def to_record(self) -> dict[str, Any]:
        """A JSON-ready form; the body is base64, cut at KEPT_BODY bytes."""
        return {
            "method": self.method,
            "path": self.path,
            "headers": [list(pair) for pair in self.headers],
            "body": b64encode(self.body[:KEPT_BODY]).decode("ascii"),
            "body_bytes": len(self.body),
            "at": self.at,
            "writes": [[round(at_s, 6), size] for at_s, size in self.writes],
            "ended": self.ended,
            "ended_s": round(self.ended_s, 6),
        }


class Records:
    """What was received, by the script's id; the oldest ids are forgotten."""

    def __init__(self) -> None:
        self._by_id: OrderedDict[str, list[Received]] = OrderedDict()

    def add(self, id: str, received: Received) -> list[str]:
        """Keeps a request; the providers that the requests of this id came to, the last of them this one's."""
        found = self._by_id.setdefault(id, [])
        found.append(received)
        while len(self._by_id) > KEPT_IDS:
            self._by_id.popitem(last=False)
        return [each.provider for each in found]

    async def of(self, id: str, wait_s: float) -> list[dict[str, Any]]:
        """What came with this id, once all of it has ended; what there is after `wait_s` seconds at the latest."""
        began = time.monotonic()
        while (waited_s := time.monotonic() - began) < wait_s:
            found = self._by_id.get(id, [])
            if not found and waited_s > NOTHING_S:
                break
            if found and all(received.ended for received in found):
                break
            await asyncio.sleep(0.02)
        return [received.to_record() for received in self._by_id.get(id, [])]
