"""The gate: what a run must hold, and the exit code it ends with. Imports neither gevent nor locust."""

from load.gate.comparison import TOLERANCE, compared
from load.gate.slo import Check, Checks, parse
from load.gate.verdict import exit_code, judge

__all__ = ["TOLERANCE", "Check", "Checks", "compared", "exit_code", "judge", "parse"]
