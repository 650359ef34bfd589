"""Bearer authentication, before anything else is known about a request."""

import hmac
import re
from collections.abc import Collection, Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from reference_gateway.errors import ApiError

_BEARER = re.compile(rb"bearer +([\x21-\x7e]+)", re.IGNORECASE)
_CHALLENGE = 'Bearer realm="gateproof"'


class Authentication:
    """Lets requests through that carry one of the tokens; without tokens, everybody's."""

    def __init__(self, app: ASGIApp, tokens: Sequence[str], open_paths: Collection[str] = ()) -> None:
        self.app = app
        self.tokens = [token.encode("utf-8") for token in tokens]
        self.open_paths = frozenset(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self.tokens and scope["path"] not in self.open_paths:
            self._check([value for name, value in scope["headers"] if name == b"authorization"])
        await self.app(scope, receive, send)

    def _check(self, credentials: Sequence[bytes]) -> None:
        if not credentials:
            raise _refused(
                "You didn't provide an API key. Provide it in an Authorization header, using Bearer auth "
                "(i.e. Authorization: Bearer YOUR_KEY)."
            )
        if len(credentials) > 1:
            raise _refused("There is more than one Authorization header.", "invalid_api_key")
        match = _BEARER.fullmatch(credentials[0])
        if match is None:
            raise _refused("The Authorization header is not of the form 'Bearer YOUR_KEY'.", "invalid_api_key")
        # Every token is compared, so that the time taken tells nothing about which of them was near.
        if sum(hmac.compare_digest(match[1], token) for token in self.tokens) == 0:
            raise _refused("Incorrect API key provided.", "invalid_api_key")


def _refused(message: str, code: str | None = None) -> ApiError:
    challenge = _CHALLENGE if code is None else f'{_CHALLENGE}, error="invalid_token"'
    return ApiError(401, message, code=code, headers={"www-authenticate": challenge})
