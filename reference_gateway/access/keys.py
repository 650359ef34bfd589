"""Keys, and what each permits. What a request needs is told by its method and path alone, in every dialect."""

from dataclasses import dataclass, field
from enum import StrEnum

from reference_gateway.call import Endpoint

INFERENCE = (*Endpoint, "responses")


class Permission(StrEnum):
    READ = "read"
    INFER = "infer"
    MANAGE = "manage"
    """Register, change and delete providers, models and what belongs to them."""


ALL = tuple(Permission)
READ_ONLY = frozenset((Permission.READ,))


@dataclass(frozen=True, slots=True)
class Key:
    token: str = field(repr=False)
    permissions: frozenset[Permission] = frozenset(Permission)


def needed(method: str, path: str) -> Permission:
    """The permission that a request needs."""
    if method in ("GET", "HEAD", "OPTIONS"):
        return Permission.READ
    if method == "POST" and any(path.endswith(f"/{endpoint}") for endpoint in INFERENCE):
        return Permission.INFER
    if method == "DELETE" and path.startswith("/v1/responses/"):  # what the key itself has made
        return Permission.INFER
    return Permission.MANAGE


def can_be_key(token: str) -> bool:
    """Whether it can be sent in a header as it is."""
    return bool(token) and all("!" <= character <= "~" for character in token)
