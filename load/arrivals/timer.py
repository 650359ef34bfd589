"""Waiting until a moment, in gevent's event loop, to a fraction of a millisecond."""
# mypy: allow-untyped-calls

import ctypes
import os
import struct
import sys
from time import perf_counter
from typing import Any

import gevent
from gevent import get_hub

_READ = 1
_MONOTONIC, _NONBLOCK_CLOEXEC = 1, 0o2004000


class Timer:
    """Waits for moments on the clock of `perf_counter`, in seconds.

    The loop's own timers are as coarse as epoll, a millisecond, which would be added to the latency of every request
    that is sent on time. Linux's timer descriptors wake it within 0.1 ms; elsewhere the loop's timers have to do.
    """

    def __init__(self) -> None:
        self._fd = -1
        self._readable: Any = None
        if sys.platform == "linux":
            self._libc = ctypes.CDLL(None, use_errno=True)
            self._fd = self._libc.timerfd_create(_MONOTONIC, _NONBLOCK_CLOEXEC)
        if self._fd >= 0:
            self._readable = get_hub().loop.io(self._fd, _READ)

    def wait_until(self, moment_s: float) -> None:
        """Returns at this moment, and at once if it is over."""
        while (left_s := moment_s - perf_counter()) > 0:
            if self._fd < 0:
                gevent.sleep(left_s)
                continue
            seconds, rest = divmod(max(left_s, 1e-6), 1.0)
            self._libc.timerfd_settime(self._fd, 0, struct.pack("qqqq", 0, 0, int(seconds), int(rest * 1e9)), None)
            get_hub().wait(self._readable)
            os.read(self._fd, 8)

    def close(self) -> None:
        if self._readable is not None:
            self._readable.close()
            os.close(self._fd)
            self._readable, self._fd = None, -1
