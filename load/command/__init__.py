"""`gateproof load URL`: looks at the gateway, has locust measure it, once or in a sweep, judges and keeps it."""

from load.command.cli import EXAMPLES, configure, run

__all__ = ["EXAMPLES", "configure", "run"]
