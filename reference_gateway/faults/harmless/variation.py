"""What a harmless variation is: what a correct gateway may do in another way, in every answer of a run."""

from dataclasses import dataclass
from enum import IntEnum

from reference_gateway.faults.asgi import Wrap
from reference_gateway.faults.fault import nothing
from reference_gateway.faults.tcp import Tcp


class Layer(IntEnum):
    """Where a variation is made: those of a lower layer are put around the gateway first."""

    VALUES = 0
    CHUNKS = 1
    """Works on the JSON of single chunks, as it was."""
    EVENTS = 2
    BYTES = 3


@dataclass(frozen=True, slots=True)
class Variation:
    """One harmless variation. `warns` are SHOULDs that are warnings with it, in the dialects where that is so."""

    name: str
    layer: Layer
    wrap: Wrap = nothing
    warns: str = ""
    tcp: Tcp | None = None
