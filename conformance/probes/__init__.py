"""What is sent: one module per area. Importing this package registers every probe."""

from conformance.probes import chat, listing, names, providers, stream

__all__ = ["chat", "listing", "names", "providers", "stream"]
