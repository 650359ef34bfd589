"""What is sent: one module per area. Importing this package registers every probe."""

from conformance.probes import auth, chat, errors, http, listing, names, providers, routes, stream

__all__ = ["auth", "chat", "errors", "http", "listing", "names", "providers", "routes", "stream"]
