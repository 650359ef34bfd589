"""What a gateway does wrong between its client and its provider, with requests on their way there and with answers on
their way back."""

from reference_gateway.faults.tables.between import answers, endpoints, failures, forwarding, neighbours, requests
from reference_gateway.faults.tables.between.basics import BEHIND

__all__ = ["BEHIND", "answers", "endpoints", "failures", "forwarding", "neighbours", "requests"]
