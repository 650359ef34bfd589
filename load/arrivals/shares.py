"""Which part of a schedule a process takes. Imports neither gevent nor locust."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Share:
    """Every `of`-th arrival, beginning with the one numbered `index`; at most `max_in_flight` requests open."""

    index: int = 0
    of: int = 1
    max_in_flight: int = 1

    def holds(self, number: int) -> bool:
        return number % self.of == self.index


def shares(processes: Sequence[str], max_in_flight: int) -> dict[str, Share]:
    """A share for every process; their sum is the whole schedule, and `max_in_flight` requests or one a process."""
    of = len(processes)
    return {
        process: Share(index, of, max(1, max_in_flight // of + (index < max_in_flight % of)))
        for index, process in enumerate(processes)
    }
