"""The responses that are kept in memory, to be read again or gone on from: no more than a bounded number."""

import hmac
from collections import OrderedDict
from dataclasses import dataclass

from reference_gateway.call import Json
from reference_gateway.wire_json import one_line

MOST = 1000
MOST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Turn:
    """A response with the conversation up to its end. `owner` is the credential that it was asked for with."""

    response: Json
    messages: list[Json]
    owner: bytes
    size: int


class Kept:
    """The newest turns, by the response's id. The oldest are forgotten first."""

    def __init__(self) -> None:
        self._turns: OrderedDict[str, Turn] = OrderedDict()
        self._bytes = 0

    def add(self, response: Json, messages: list[Json], owner: bytes) -> None:
        turn = Turn(response, messages, owner, len(one_line([response, messages])))
        self._turns[response["id"]] = turn
        self._bytes += turn.size
        while len(self._turns) > MOST or self._bytes > MOST_BYTES:
            self._bytes -= self._turns.popitem(last=False)[1].size

    def find(self, id: str, owner: bytes) -> Turn | None:
        """The turn, if this owner has one of this id."""
        turn = self._turns.get(id)
        return turn if turn is not None and hmac.compare_digest(turn.owner, owner) else None

    def forget(self, id: str) -> None:
        self._bytes -= self._turns.pop(id).size
