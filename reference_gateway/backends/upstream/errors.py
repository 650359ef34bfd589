"""What a provider's failure becomes for the client: honest about the status, silent about the provider's internals."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from reference_gateway.call import BackendError

_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s\"'<>]+", re.IGNORECASE)
_LONGEST_MESSAGE = 1000
_SHORTEST_SECRET = 4

INVALID_RESPONSE = "upstream_invalid_response"
_TIMEOUTS = frozenset((408, 504))
"""Statuses that say that somebody waited in vain: the call may be answered still, where nobody listens."""
_CLIENT_FAULTS = frozenset((400, 409, 413, 422))
"""Statuses that tell of the request itself and are passed on with their message."""


def unreachable() -> BackendError:
    """The connection could not be made."""
    return BackendError(502, "The provider could not be reached.", code="upstream_unreachable", was_sent=False)


def timed_out(*, was_sent: bool = True) -> BackendError:
    """The provider took too long."""
    return BackendError(504, "The provider did not answer in time.", code="upstream_timeout", was_sent=was_sent)


def invalid(why: str) -> BackendError:
    """The provider answered, but not with what its API promises."""
    return BackendError(502, f"The provider sent an answer that can't be used: {why}.", code=INVALID_RESPONSE)


class Redactor:
    """Takes the provider's internals out of the messages that it wrote."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """`secrets` are the strings that must not reach a client: hosts, keys, header values."""
        self._secrets = sorted({secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}, key=len, reverse=True)

    def clean(self, message: str, names: Mapping[str, str]) -> str:
        """`message` without secrets and addresses, the words that are keys of `names` replaced by their values."""
        for secret in self._secrets:
            message = message.replace(secret, "[redacted]")
        message = _URL.sub("[redacted]", message)
        for name, public in names.items():
            if name and name != public:
                message = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", public.replace("\\", "\\\\"), message)
        return message[:_LONGEST_MESSAGE]


def from_status(
    status: int, headers: Mapping[str, str], body: bytes, redactor: Redactor, names: Mapping[str, str]
) -> BackendError:
    """The error for an answer with a status that is no success."""
    error = _drawn(status, headers, body, redactor, names)
    error.was_refused = status not in (*_CLIENT_FAULTS, *_TIMEOUTS)
    return error


def _drawn(
    status: int, headers: Mapping[str, str], body: bytes, redactor: Redactor, names: Mapping[str, str]
) -> BackendError:
    retry_after = headers.get("retry-after")
    if status in _CLIENT_FAULTS:
        told = _error_of(body)
        message = _message_of(told) or f"The provider refused the request with status {status}."
        return BackendError(
            status, redactor.clean(message, names), type="invalid_request_error",
            code=_word(told, "code"), param=_word(told, "param"),
        )  # fmt: skip
    if status == 429:
        message = _message_of(_error_of(body)) or "The provider's rate limit is reached."
        return BackendError(
            429,
            redactor.clean(message, names),
            type="rate_limit_error",
            code="rate_limit_exceeded",
            retry_after=retry_after,
        )
    if status in (401, 403):
        return BackendError(502, "The provider refused the gateway's credentials.", code="upstream_auth_error")
    if status == 404:
        return BackendError(502, "The provider does not have this model.", code="upstream_model_not_found")
    if status == 503:
        return BackendError(503, "The provider is not available.", code="upstream_unavailable", retry_after=retry_after)
    if status in _TIMEOUTS:
        return timed_out()
    return BackendError(502, f"The provider failed with status {status}.", code="upstream_error")


def from_error(told: Any, redactor: Redactor, names: Mapping[str, str]) -> BackendError:
    """The error for an `error` member found where an answer or a chunk was due."""
    message = _message_of(told) or "The provider reported an error."
    kind = _word(told, "type") or "api_error"
    return BackendError(502, redactor.clean(message, names), type=kind, code=_word(told, "code") or "upstream_error")


def _error_of(body: bytes) -> Any:
    """What an error body tells, in OpenAI's envelope, FastAPI's `detail` or a bare object; None for anything else."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict):
        return None
    return next((told[name] for name in ("error", "detail") if told.get(name)), told)


def _message_of(told: Any) -> str | None:
    if isinstance(told, str):
        return told.strip() or None
    if isinstance(told, dict):
        return next(
            (told[n].strip() for n in ("message", "msg") if isinstance(told.get(n), str) and told[n].strip()), None
        )
    if isinstance(told, list):
        return "; ".join(filter(None, map(_message_of, told))) or None
    return None


def _word(told: Any, name: str) -> str | None:
    value = told.get(name) if isinstance(told, dict) else None
    return value if isinstance(value, str) and value else None
