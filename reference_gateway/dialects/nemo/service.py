"""What the platform's services have in common: where they are, whom a path means, ids and times."""

from datetime import UTC, datetime
from uuid import UUID

from reference_gateway.dialects.nemo.names import Names
from reference_gateway.errors import ApiError
from reference_gateway.registry import Workspace
from reference_gateway.registry.changes import Conflict

MODELS = "/apis/models/v2/workspaces/{workspace}"
SECRETS = "/apis/secrets/v2/workspaces/{workspace}/secrets"
WORKSPACES = "/apis/entities/v2/workspaces"
EVERYWHERE = "-"

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def identifier(kind: str, uuid: str) -> str:
    """`kind-` and the UUID in base 58."""
    number, digits = UUID(uuid).int, ""
    while number:
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return f"{kind}-{digits}"


def moment(time: float) -> str:
    """A time as the platform writes it: UTC, without saying so."""
    return datetime.fromtimestamp(time, UTC).replace(tzinfo=None).isoformat()


def listed_workspaces(names: Names, name: str) -> list[Workspace]:
    """The workspaces that a list is about: one, or all of them."""
    if name == EVERYWHERE:
        return list(names.registry.workspaces)
    return [names.workspace(name)]


def home(names: Names, name: str) -> Workspace:
    """The workspace to create something in."""
    workspace = names.registry.workspace(names.checked(name, "workspace"))
    if workspace is None:
        raise ApiError(422, f"Workspace '{name}' does not exist. Please create the workspace first.")
    return workspace


def not_found(what: str, workspace: str, name: str) -> ApiError:
    return ApiError(404, f"{what} with workspace '{workspace}' and name '{name}' not found")


def conflict(error: Conflict) -> ApiError:
    return ApiError(409, str(error), code="conflict", headers={"x-should-retry": "false"})
