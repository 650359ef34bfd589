"""What passes between a dialect and a backend: one call, its answer, its failure. No HTTP and no routing here."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

Json = dict[str, Any]


class Endpoint(StrEnum):
    """The OpenAI endpoint a call is for; the value is its path below the base URL."""

    CHAT = "chat/completions"
    COMPLETIONS = "completions"
    EMBEDDINGS = "embeddings"


@dataclass(frozen=True, slots=True)
class Call:
    """One validated inference request on its way to a backend.

    `body` is the client's JSON object, already validated by the dialect, `model` in it still as the client wrote it.
    `served_model` is the name the provider knows the model by; it is set once the provider is chosen.
    """

    endpoint: Endpoint
    body: Json
    served_model: str = ""
    settings: Json = field(default_factory=dict)
    """The model's own settings of the registry (simulator: ttft_s, itl_s, dimensions, …)."""


class BackendError(Exception):
    """A backend could not answer.

    `status` is the HTTP status that the client should get, `code` a word for programs, `retry_after` the value of the
    header of that name, unchanged, if the backend sent one. `was_sent` is false if nothing of the call can have
    reached a provider, `was_refused` true if the provider said that it can't do it now, whatever is asked: another may
    then be asked.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "api_error",
        code: str | None = None,
        param: str | None = None,
        retry_after: str | None = None,
        was_sent: bool = True,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.type, self.code, self.param = status, message, type, code, param
        self.retry_after, self.was_sent, self.was_refused = retry_after, was_sent, False


class Backend(Protocol):
    """Where a call ends: the simulator, or a proxied provider."""

    async def answer(self, call: Call) -> Json:
        """The whole OpenAI-shaped answer (chat.completion, text_completion, embeddings list). Raises BackendError."""
        ...

    def stream(self, call: Call) -> AsyncIterator[Json]:
        """The answer's chunks, each an OpenAI-shaped chunk object, as they are made; never [DONE].

        BackendError before the first chunk is an error of the whole request; after it, of the stream.
        Closing the iterator (`aclose`) abandons the work, upstream too.
        """
        ...

    async def close(self) -> None:
        """Frees connections."""
        ...
