"""An event loop whose time is made up: where a real one would wait, its clock jumps ahead. A rehearsal of many minutes
takes a moment, and its times are exact."""

import asyncio
import selectors
from typing import Any


class JumpingLoop(asyncio.SelectorEventLoop):
    """Runs callbacks as asyncio does, but never sleeps: `time()` jumps to the next timer when nothing else is due."""

    def __init__(self) -> None:
        self._jumped_s = 0.0
        super().__init__(_Jumping(self))

    def time(self) -> float:
        return self._jumped_s

    def jump(self, seconds: float) -> None:
        self._jumped_s += seconds


class _Jumping(selectors.DefaultSelector):
    def __init__(self, loop: JumpingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        """What is ready now; a wait for a timer is skipped. A wait for another thread, which has no end, is a real
        one."""
        ready = super().select(None if timeout is None else 0)
        if not ready and timeout:
            self._loop.jump(timeout)
        return ready
