"""What is kept of answers while they come: the reads of each, within the bounds of one answer and of a whole run."""

from collections.abc import Collection

from conformance.limits import ANSWER_WEIGHT, HEADERS, Limits, size, weight

CODED = (b"gzip", b"x-gzip", b"deflate")


class TooLarge(Exception):
    """An answer passed a bound of ours and is cut there; the message says which."""


class Store:
    """How much the answers of a run take up together."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.weight = 0


class Body:
    """The reads of one answer's body, one entry for each socket read, however small the chunks that came in it."""

    def __init__(self, store: Store) -> None:
        self._packed = False
        """Whether what comes has a content coding, and takes up more than it seems to."""
        self._store = store
        self._reads: list[tuple[float, bytes]] = []
        self._now, self._stamp = bytearray(), 0.0
        self._size = self._weight = 0

    @property
    def reads(self) -> tuple[tuple[float, bytes], ...]:
        last = ((self._stamp, bytes(self._now)),) if self._now else ()
        return (*self._reads, *last)

    def begin(self, headers: Collection[tuple[bytes, bytes]]) -> None:
        """Takes note of the headers that came before the body. Raises TooLarge for more than are kept."""
        codings = (value.strip().lower() for name, value in headers if name.lower() == b"content-encoding")
        self._packed = any(coding in CODED for coding in codings)
        if len(headers) > HEADERS:
            raise TooLarge(f"it was cut, as it has more than {HEADERS} headers (a bound of gateproof's own)")

    def add(self, stamp: float, data: bytes) -> None:
        """Keeps what came with the read of this time. Raises TooLarge, with as much kept as there is room for."""
        if stamp != self._stamp and self._now:
            self._reads.append((self._stamp, bytes(self._now)))
            self._weigh()
            self._now.clear()
        self._stamp = stamp
        limits = self._store.limits
        room = limits.body_room(self._store.weight)
        kept = data[: max(room - self._size, 0)]
        self._now += kept
        self._size += len(kept)
        if kept != data and room < limits.body_bytes:
            why = f"as this run's answers fill {size(limits.run_bytes)} (a bound of gateproof's own)"
            raise TooLarge(f"its body was cut after {size(room)}, {why}")
        if kept != data:
            raise TooLarge(f"its body passed {size(room)} and was cut there (a bound of gateproof's own)")

    def end(self) -> None:
        """Counts what came with the last read."""
        if self._now:
            self._weigh()

    def _weigh(self) -> None:
        added = min(weight(bytes(self._now), packed=self._packed), ANSWER_WEIGHT - self._weight)
        self._weight += added
        self._store.weight += added
