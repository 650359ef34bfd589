"""Probes of the model list and of single models."""

from urllib.parse import quote

from conformance.exchange import Exchange, Unusable
from conformance.gateway import Gateway
from conformance.probe import probe


@probe()
async def models(gateway: Gateway) -> Exchange:
    return await gateway.get("/models")


@probe()
async def model_by_id(gateway: Gateway) -> Exchange:
    """The model under test, its id percent-encoded as one path segment, as the SDKs send it."""
    return await gateway.get(f"/models/{quote(_listed(gateway), safe='')}")


@probe()
async def unknown_path(gateway: Gateway) -> Exchange:
    return await gateway.get("/gateproof-no-such-endpoint")


def _listed(gateway: Gateway) -> str:
    """The model under test as the list spells it. Raises Unusable when the list holds no ids."""
    if not gateway.facts.listed:
        raise Unusable("GET /models gives no model ids")
    return gateway.facts.model if gateway.facts.model in gateway.facts.listed else gateway.facts.listed[0]
