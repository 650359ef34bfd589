"""The NeMo Platform's dialect: workspaces, whose model entities have strict names; three routes to a model (by the
model in the body, by entity, by provider); and the services that register what is served. Errors are
{"detail": …}."""

from collections.abc import Sequence

from reference_gateway.call import Json
from reference_gateway.config import Config, NemoRule
from reference_gateway.dialects.nemo import entities, inference, providers, secrets
from reference_gateway.dialects.nemo.deployed import Deployed
from reference_gateway.dialects.nemo.names import Names
from reference_gateway.errors import ApiError
from reference_gateway.gateway import Gateway
from reference_gateway.routing import Resource

PREFIXES = ("/apis/",)
OPEN_PATHS: Sequence[str] = ()


def error_body(error: ApiError, request_id: str, config: Config) -> Json:
    return {"detail": error.message if error.detail is None else error.detail}


def routes(gateway: Gateway) -> Sequence[Resource]:
    names = Deployed(gateway) if gateway.config.nemo_rule is NemoRule.DEPLOYED else Names(gateway)
    return [each for part in (inference, entities, providers, secrets) for each in part.routes(gateway, names)]
