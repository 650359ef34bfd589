"""The simulator: answers every call as a model would, without one."""

from collections.abc import AsyncIterator

from reference_gateway.backends.simulator import chat, completions, embeddings
from reference_gateway.call import BackendError, Call, Endpoint, Json


class Simulator:
    """A backend that makes its answers up.

    A call is answered alike every time if its body has a `seed`, or if the simulator has one (`seed`); otherwise each
    answer is new. Model settings read: `ttft_s` (0.020) and `itl_s` (0.005), the time to the first token and between
    tokens in seconds; `dimensions` (1536) of embeddings.
    """

    def __init__(self, seed: int | None = None) -> None:
        self._seed = seed

    async def answer(self, call: Call) -> Json:
        """The whole answer, after the time its tokens take. BackendError if the request allows none."""
        match call.endpoint:
            case Endpoint.CHAT:
                return await chat.answer(call, self._seed)
            case Endpoint.COMPLETIONS:
                return await completions.answer(call, self._seed)
            case Endpoint.EMBEDDINGS:
                return await embeddings.answer(call)

    def stream(self, call: Call) -> AsyncIterator[Json]:
        """The answer's chunks, one token each, at the model's pace. The first step raises what `answer` would."""
        match call.endpoint:
            case Endpoint.CHAT:
                return chat.stream(call, self._seed)
            case Endpoint.COMPLETIONS:
                return completions.stream(call, self._seed)
            case Endpoint.EMBEDDINGS:
                return _refused("Embeddings are not streamed.")

    async def close(self) -> None:
        """Nothing is held open."""


async def _refused(why: str) -> AsyncIterator[Json]:
    raise BackendError(400, why, type="invalid_request_error", param="stream")
    yield {}
