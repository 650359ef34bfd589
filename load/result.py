"""What one request of a load test came to: times in seconds, counts, and how it failed. Nothing here sends or reads."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StreamResult:
    """One finished request. Times ending in `_s` are seconds; `started_s` is on the monotonic clock of this process.

    A plain (not streamed) answer has no `ttft_s`, no gaps and no events.
    """

    started_s: float
    """When the first byte of the request was handed to the socket; the connection existed already."""
    e2e_s: float
    """Request sent (or scheduled) to [DONE]; to the last byte read where there is none."""
    ttft_s: float | None = None
    """Request sent (or scheduled) to the socket read that held the first event with generated text, which is neither
    the headers nor the role."""
    gaps_s: tuple[float, ...] = ()
    """ITL: the time between each event with generated text and the one before it."""
    tpot_s: float | None = None
    """(last - first event with text) / (tokens - 1); None without usage or with fewer than two tokens."""
    events: int = 0
    """Events with data, [DONE] among them."""
    content_events: int = 0
    reads: int = 0
    """Socket reads of the answer; events / reads well above 1 means that they came, or were read, in batches."""
    bytes_read: int = 0
    tokens: int | None = None
    """Completion tokens as the gateway's usage tells them."""
    status: int | None = None
    failure: str | None = None
    """None, or the kind of failure: "http 429", "timeout", "cut short", … A small set, so that kinds can be counted."""
    detail: str = ""
    """What was seen, for a human. It may quote the gateway, so it must be redacted before it is shown."""
    done: bool = False
    """Whether [DONE] came."""
    finish_reason: str | None = None
    connect_s: float | None = None
    """Time to open the connection, name resolution and TLS included; None when one was used again."""
    retry_after_s: float | None = None
    """The gateway's Retry-After, where it was given in seconds."""

    scheduled_s: float | None = None
    """When the schedule wanted it sent, on the clock of `started_s`; `ttft_s` and `e2e_s` are counted from it. None in
    closed mode, where they are counted from `started_s`."""
    violations: tuple[tuple[str, str], ...] = ()
    """(rule, what was seen) of everything in the answer that a conformant gateway would not send."""
    left: bool = False
    """Whether we disconnected on purpose in the middle of the answer."""
    attempts: int = 1
    """How often it was sent until this answer, 429 and 503 with Retry-After obeyed in between."""
    obeyed_s: float = 0.0
    """Time waited because of Retry-After before this attempt, in seconds."""

    @property
    def ended_s(self) -> float:
        return (self.started_s if self.scheduled_s is None else self.scheduled_s) + self.e2e_s

    @property
    def lateness_s(self) -> float | None:
        """How much later than scheduled it was sent, in seconds; None in closed mode."""
        return None if self.scheduled_s is None else self.started_s - self.scheduled_s
