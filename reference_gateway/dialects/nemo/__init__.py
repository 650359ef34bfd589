"""The NeMo Platform's dialect: workspaces, whose model entities have strict names; three routes to a model (by the
model in the body, by entity, by provider); and the services that register what is served. Errors are
{"detail": …}."""

from collections.abc import Sequence

from reference_gateway.call import Json
from reference_gateway.config import Config, NemoRule
from reference_gateway.dialects.nemo import entities, inference, providers, secrets, workspaces
from reference_gateway.dialects.nemo.deployed import Deployed
from reference_gateway.dialects.nemo.discovery import discover
from reference_gateway.dialects.nemo.names import Names
from reference_gateway.errors import ApiError
from reference_gateway.gateway import Gateway
from reference_gateway.routing import Resource

PREFIXES = ("/apis/",)
OPEN_PATHS: Sequence[str] = ()


def error_body(error: ApiError, request_id: str, config: Config) -> Json:
    return {"detail": error.message if error.detail is None else error.detail}


def routes(gateway: Gateway) -> Sequence[Resource]:
    names, parts = _names(gateway), (inference, entities, providers, secrets, workspaces)
    return [each for part in parts for each in part.routes(gateway, names)]


def resume(gateway: Gateway) -> None:
    """Goes on with what a gateway that ended had begun: providers whose models were not found yet."""
    for provider in gateway.registry.providers:
        if provider.status == "CREATED":
            gateway.start(discover(gateway, _names(gateway), provider))


def _names(gateway: Gateway) -> Names:
    return Deployed(gateway) if gateway.config.nemo_rule is NemoRule.DEPLOYED else Names(gateway)
