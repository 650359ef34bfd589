"""The simulator: answers every call as a model would, without one."""

from collections.abc import AsyncIterator

from reference_gateway.backends import chat
from reference_gateway.call import BackendError, Call, Endpoint, Json


class Simulator:
    """A backend that makes its answers up.

    A call is answered alike every time if its body has a `seed`, or if the simulator has one (`seed`); otherwise each
    answer is new. Model settings read: `ttft_s`, `itl_s` (seconds), `dimensions` (of embeddings).
    """

    def __init__(self, seed: int | None = None) -> None:
        self._seed = seed

    async def answer(self, call: Call) -> Json:
        """The whole answer, after the time its tokens take. BackendError if it can't be made."""
        if call.endpoint is Endpoint.CHAT:
            return await chat.answer(call, self._seed)
        raise BackendError(501, f"The simulator does not serve {call.endpoint.value} yet.")

    def stream(self, call: Call) -> AsyncIterator[Json]:
        """The answer's chunks, one token each, at the model's pace. BackendError on the first step."""
        if call.endpoint is Endpoint.CHAT:
            return chat.stream(call, self._seed)
        raise BackendError(501, f"The simulator does not stream {call.endpoint.value} yet.")

    async def close(self) -> None:
        """Nothing is held open."""
