"""Authentication before anything else is known about a request, and then whether the key permits such a request."""

import hmac
import re
from collections.abc import Awaitable, Callable, Collection, Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from reference_gateway.access.keys import Key, needed
from reference_gateway.access.minting import Mint
from reference_gateway.errors import ApiError

_BEARER = re.compile(rb"bearer +([\x21-\x7e]+)", re.IGNORECASE)
_CHALLENGE = 'Bearer realm="gateproof"'

Scheme = Callable[[Scope, bytes], bytes | None]
"""A dialect's own way to send a key: gives the key in an Authorization header of such a request, if it is one."""


class Authentication:
    """Lets requests through that carry a key, or a token given for one; without keys, everybody's."""

    def __init__(
        self,
        app: ASGIApp,
        keys: Sequence[Key],
        mint: Mint,
        open_paths: Collection[str] = (),
        schemes: Sequence[Scheme] = (),
    ) -> None:
        self.app, self.mint, self.schemes = app, mint, schemes
        self.open_paths = frozenset(open_paths)
        self.keys = [(key.token.encode("utf-8"), key) for key in keys]

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http" and self.keys and scope["path"] not in self.open_paths:
            key = self._key(scope, [value for name, value in scope["headers"] if name == b"authorization"])
            permission = needed(scope["method"], scope["path"])
            if permission not in key.permissions:
                raise ApiError(
                    403,
                    f"This key has no permission to {permission}.",
                    type="permission_error",
                    code="authorization_rejected",
                )
        return self.app(scope, receive, send)

    def _key(self, scope: Scope, credentials: Sequence[bytes]) -> Key:
        if not credentials:
            raise _refused(
                "You didn't provide an API key. Provide it in an Authorization header, using Bearer auth "
                "(i.e. Authorization: Bearer YOUR_KEY)."
            )
        if len(credentials) > 1:
            raise _refused("There is more than one Authorization header.", "invalid_api_key")
        match = _BEARER.fullmatch(credentials[0])
        offered = (
            match[1] if match else next(filter(None, (each(scope, credentials[0]) for each in self.schemes)), None)
        )
        if offered is None:
            raise _refused("The Authorization header is not of the form 'Bearer YOUR_KEY'.", "invalid_api_key")
        # Every key is compared, so that the time taken tells nothing about which of them was near.
        found = [key for token, key in self.keys if hmac.compare_digest(offered, token)]
        key = found[0] if found else self.mint.redeemed(offered.decode("ascii"))
        if key is None:
            raise _refused("Incorrect API key provided.", "invalid_api_key")
        return key


def _refused(message: str, code: str | None = None) -> ApiError:
    challenge = _CHALLENGE if code is None else f'{_CHALLENGE}, error="invalid_token"'
    return ApiError(401, message, code=code, headers={"www-authenticate": challenge})
