"""A provider that answers as the prompt says: `gateproof upstream`, to be registered behind the gateway that is judged.

It keeps what the gateway sent on, so that both sides of the gateway can be held against each other.
"""

from reference_gateway.scripted.app import scripted

__all__ = ["scripted"]
