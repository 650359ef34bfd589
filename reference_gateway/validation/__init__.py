"""What the OpenAI API demands of a request's body, beyond its being a JSON object."""

from reference_gateway.call import Endpoint, Json
from reference_gateway.registry import Served


def validate(endpoint: Endpoint, body: Json, served: Served) -> None:
    """TODO next commit."""
