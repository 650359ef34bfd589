"""When requests start. `schedule` says when, `dispatch` sends on time, `shares` splits a schedule among processes."""

from load.arrivals.schedule import Schedule

__all__ = ["Schedule"]
