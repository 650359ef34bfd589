"""One request of a load test, as a scenario wants it sent. Nothing here sends."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["chat stream", "chat", "completion stream", "completion", "embeddings", "get"]
"""What is asked for, and so how the answer is read and judged."""


@dataclass(frozen=True, slots=True)
class Request:
    """`path` is below the base URL and starts with a slash."""

    method: str
    path: str
    body: bytes
    kind: Kind
    leave_after: int | None = None
    """Disconnect on purpose after this many events with generated text; streams only."""
    scheduled_s: float | None = None
    """When the schedule wants it sent, on the monotonic clock (`perf_counter`); None where no schedule is."""

    @property
    def streamed(self) -> bool:
        return self.kind.endswith("stream")
