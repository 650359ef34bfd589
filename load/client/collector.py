"""The garbage collector of a process that measures: where locust is loaded, a full collection stops it for 50 ms."""

import gc

NET_ALLOCATIONS = 10_000
"""Objects that must be left over before the young ones are looked at; a request leaves none."""


def settle() -> None:
    """What is loaded now is there to stay, and is not looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NET_ALLOCATIONS, 20, 100)
