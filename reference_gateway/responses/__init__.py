"""The Responses API, as a translation: a request becomes a chat for the model's backend, and its answer a response."""

from reference_gateway.responses.routes import resources

__all__ = ["resources"]
