"""What a gateway does wrong with requests on their way to its provider, and with answers on their way back: rows of the
table of what it does wrong between the two."""

from reference_gateway.faults.tables.behind import BEHIND
from reference_gateway.faults.tables.between import answers, failures, forwarding, requests

__all__ = ["BEHIND", "answers", "failures", "forwarding", "requests"]
