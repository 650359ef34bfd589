"""The Responses API: what is answered wrongly, what of a request is lost, what is refused wrongly or not at all, what
becomes of responses that are kept, and what is wrong in streams."""

from reference_gateway.faults.tables.responses.answers import RESPONSES
from reference_gateway.faults.tables.responses.inputs import INPUTS
from reference_gateway.faults.tables.responses.kept import KEPT
from reference_gateway.faults.tables.responses.refusals import REFUSALS
from reference_gateway.faults.tables.responses.streams import STREAMS

__all__ = ["INPUTS", "KEPT", "REFUSALS", "RESPONSES", "STREAMS"]
