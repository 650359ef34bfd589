"""Whether the gateway is still there: one that dies in the middle of a run is one finding, not hundreds."""

from conformance.exchange import Blame, Exchange, Unusable

ENOUGH = 4
"""Requests in a row that find nobody, after others were answered."""
AWAY_S = 1.0
"""For how long at least: it may be about to start again."""


class Presence:
    """Watches the exchanges of a run in the order in which they end. `lost` is what is said once the gateway has gone:
    nothing is sent to it any more."""

    def __init__(self) -> None:
        self.lost: Unusable | None = None
        self._was_there = False
        self._missed: list[Exchange] = []

    def is_doubtful(self, exchange: Exchange) -> bool:
        """Whether a request found nobody where somebody was before, so that it has not been sent and can be again."""
        return self._was_there and _found_nobody(exchange)

    def note(self, exchange: Exchange) -> None:
        if not _found_nobody(exchange):
            self._was_there = self._was_there or exchange.response is not None
            self._missed.clear()
        elif self._was_there and self.lost is None:
            self._missed.append(exchange)
            if len(self._missed) >= ENOUGH and exchange.started_at - self._missed[0].started_at >= AWAY_S:
                self.lost = self._gone(self._missed[0])

    def _gone(self, first: Exchange) -> Unusable:
        assert first.failure is not None
        refused = "refused" in first.failure.message
        said = f"the gateway could not be reached any more from request {first.id} on: {first.failure.message}"
        advice = "did it crash or restart?" if refused else "is the network up?"
        return Unusable(f"{said}; {advice}", blame=Blame.GATEWAY if refused else Blame.NETWORK)


def _found_nobody(exchange: Exchange) -> bool:
    return exchange.failure is not None and exchange.failure.kind == "connect"
