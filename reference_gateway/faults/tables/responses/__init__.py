"""The Responses API: what is answered wrongly, what of a request is lost or refused, and what is wrong in streams."""

from reference_gateway.faults.tables.responses.answers import RESPONSES
from reference_gateway.faults.tables.responses.inputs import INPUTS
from reference_gateway.faults.tables.responses.streams import STREAMS

__all__ = ["INPUTS", "RESPONSES", "STREAMS"]
