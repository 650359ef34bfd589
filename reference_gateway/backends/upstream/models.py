"""Asks a provider which models it has."""

import httpx

from reference_gateway.backends.upstream import errors
from reference_gateway.call import Json
from reference_gateway.registry import UpstreamOptions

_LONGEST_WAIT_S = 10.0


async def list_models(way: UpstreamOptions) -> list[Json] | None:
    """The provider's own list; None if it answers but has no list. BackendError if it can't be reached."""
    key = {} if way.api_key is None else {"authorization": f"Bearer {way.api_key}"}
    timeout = httpx.Timeout(min(way.timeout_s, _LONGEST_WAIT_S), connect=way.connect_timeout_s)
    try:
        async with httpx.AsyncClient(timeout=timeout, trust_env=False) as client:
            response = await client.get(f"{way.base_url.rstrip('/')}/models", headers={**key, **way.headers})
    except httpx.HTTPError:
        raise errors.unreachable() from None
    if not response.is_success:
        return None
    try:
        data = response.json()["data"]
    except (ValueError, KeyError, TypeError):
        return None
    if not isinstance(data, list):
        return None
    return [each for each in data if isinstance(each, dict) and isinstance(each.get("id"), str) and each["id"]]
