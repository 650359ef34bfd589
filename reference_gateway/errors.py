"""The one error that every part of the gateway raises for a refused request. How it looks on the wire is
the dialect's business."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reference_gateway.call import BackendError

MAX_ECHO = 200
MAX_MESSAGE = 2000


@dataclass(eq=False)
class ApiError(Exception):
    """A request that is refused: `status` and what to tell the client about it."""

    status: int
    message: str
    type: str = "invalid_request_error"
    code: str | None = None
    param: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    detail: Any = None
    """What a dialect that knows it says in the place of the message."""

    def __str__(self) -> str:
        return self.message


def from_backend(error: BackendError) -> ApiError:
    """What the client is told when a backend could not answer."""
    wait = error.retry_after
    headers = {"retry-after": wait} if wait is not None and wait.isascii() and wait.isprintable() else {}
    return ApiError(error.status, clipped(error.message, MAX_MESSAGE), error.type, error.code, error.param, headers)


def clipped(text: str, limit: int = MAX_ECHO) -> str:
    """The text, cut where it is too long to be repeated in an answer."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def model_not_found(name: str) -> ApiError:
    return ApiError(
        404,
        f"The model `{clipped(name)}` does not exist or you do not have access to it.",
        code="model_not_found",
        param="model",
    )


def unknown_url(method: str, path: str) -> ApiError:
    return ApiError(404, f"Unknown request URL: {method} {clipped(path)}.", code="unknown_url")


def method_not_allowed(method: str, allowed: str) -> ApiError:
    return ApiError(
        405,
        f"The method {clipped(method, 20)} is not allowed here; allowed: {allowed}.",
        code="method_not_allowed",
        headers={"allow": allowed},
    )


def internal_error() -> ApiError:
    return ApiError(500, "The gateway had an error while processing the request.", type="server_error")
