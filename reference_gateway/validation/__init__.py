"""What the OpenAI API demands of a request's body, beyond its being a JSON object that names a model we have."""

from reference_gateway.call import Endpoint, Json
from reference_gateway.errors import ApiError, clipped
from reference_gateway.registry import Served
from reference_gateway.validation.chat import check_chat
from reference_gateway.validation.completions import check_completion
from reference_gateway.validation.embeddings import check_embeddings
from reference_gateway.validation.messages import Images

SIMULATED_DIMENSIONS = 1536


def validate(endpoint: Endpoint, body: Json, served: Served) -> None:
    """Raises ApiError at the first thing in the body that the endpoint, or this model, does not take.

    Of a proxied model nobody here knows what it can do, so images and dimensions are left to its provider.
    """
    model, proxied = served.model, served.provider.upstream is not None
    if endpoint not in model.endpoints:
        raise ApiError(
            400,
            f"The model `{clipped(model.id)}` is not supported in the {endpoint.value} endpoint.",
            code="unsupported_endpoint",
            param="model",
        )
    settings = model.settings
    if endpoint is Endpoint.CHAT:
        check_chat(body, Images(settings.get("vision", proxied), settings.get("remote_images", proxied)))
    elif endpoint is Endpoint.COMPLETIONS:
        check_completion(body)
    else:
        check_embeddings(body, settings.get("dimensions", None if proxied else SIMULATED_DIMENSIONS))
