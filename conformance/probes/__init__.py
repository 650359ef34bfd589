"""What is sent: one module per area. Importing this package registers every probe."""

from conformance.probes import listing

__all__ = ["listing"]
