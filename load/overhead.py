"""What a gateway adds: each request is sent through it and straight to its provider, and the two are compared."""

from typing import Any

from load.result import StreamResult


class Pairs:
    """Pairs of results of one request, `via` the gateway and `direct` from its provider."""

    def __init__(self) -> None:
        self.rows: list[Any] = []

    def clear(self) -> None:
        self.rows.clear()

    def add(self, via: StreamResult, direct: StreamResult) -> None:
        self.rows.append((via.ttft_s, direct.ttft_s))

    def take(self) -> list[Any]:
        taken, self.rows = self.rows, []
        return taken

    def receive(self, taken: list[Any]) -> None:
        self.rows += taken

    def summary(self) -> dict[str, Any] | None:
        return {"pairs": len(self.rows)} if self.rows else None
