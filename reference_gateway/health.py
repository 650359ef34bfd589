"""Which providers could not be reached a moment ago. Learned from calls, forgotten after a short time."""

import time


class Health:
    """A provider that failed is left alone for `retry_interval_s`, then tried again."""

    def __init__(self, retry_interval_s: float) -> None:
        self._retry_interval_s = retry_interval_s
        self._down_until: dict[str, float] = {}

    def is_up(self, uuid: str) -> bool:
        return self._down_until.get(uuid, 0.0) <= time.monotonic()

    def failed(self, uuid: str) -> None:
        self._down_until[uuid] = time.monotonic() + self._retry_interval_s

    def answered(self, uuid: str) -> None:
        self._down_until.pop(uuid, None)
