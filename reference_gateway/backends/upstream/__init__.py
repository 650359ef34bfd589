"""A backend that asks an OpenAI-compatible provider."""

from reference_gateway.backends.upstream.proxy import Upstream

__all__ = ["Upstream"]
