"""The client of the load test: from a request to its result. Only `Client` needs gevent, and imports it when used."""

from typing import TYPE_CHECKING, Any

from load.client.request import Request

if TYPE_CHECKING:
    from load.client.client import Client

__all__ = ["Client", "Request"]


def __getattr__(name: str) -> Any:
    if name != "Client":
        raise AttributeError(name)
    from load.client.client import Client

    return Client
