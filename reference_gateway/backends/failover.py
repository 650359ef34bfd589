"""A backend over several: the first provider that can be reached answers."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace
from typing import cast

from reference_gateway.call import Backend, BackendError, Call, Json
from reference_gateway.health import Health
from reference_gateway.registry import Served


@dataclass(frozen=True, slots=True)
class Choice:
    """One model that could answer: how it is asked, and the name its answers get."""

    served: Served
    backend: Backend
    answers_as: str

    def call(self, call: Call) -> Call:
        """The call as this model's provider is to hear it."""
        upstream, model = self.served.provider.upstream, self.served.model
        body = call.body if upstream is None else {**upstream.default_body, **call.body, **upstream.required_body}
        return replace(call, body=body, served_model=model.served_name, settings=model.settings | call.settings)


class Failover:
    """Asks one provider after the other until one is reached. What was sent to one is never sent to another."""

    def __init__(self, choices: Sequence[Choice], health: Health) -> None:
        self._choices, self._health = choices, health

    async def answer(self, call: Call) -> Json:
        for choice, is_last in self._in_turn():
            with self._judged(choice, is_last):
                answer = await choice.backend.answer(choice.call(call))
                answer["model"] = choice.answers_as
                return answer
        raise AssertionError("there is always a last choice")

    async def stream(self, call: Call) -> AsyncIterator[Json]:
        chunks, chunk, name = await self._begun(call)
        del call  # what was asked may be large, and the answer may take long
        async with aclosing(chunks):
            if chunk is not None:
                chunk["model"] = name
                yield chunk
            async for chunk in chunks:
                chunk["model"] = name
                yield chunk

    async def close(self) -> None:
        """The backends are others'."""

    async def _begun(self, call: Call) -> tuple[AsyncGenerator[Json, None], Json | None, str]:
        """The stream of the first that is reached, its first chunk if it has any, and whose name it gets."""
        for choice, is_last in self._in_turn():
            with self._judged(choice, is_last):
                chunks = cast(AsyncGenerator[Json, None], choice.backend.stream(choice.call(call)))
                return chunks, await anext(chunks, None), choice.answers_as
        raise AssertionError("there is always a last choice")

    def _in_turn(self) -> Iterator[tuple[Choice, bool]]:
        return ((choice, choice is self._choices[-1]) for choice in self._choices)

    @contextmanager
    def _judged(self, choice: Choice, is_last: bool) -> Iterator[None]:
        """Notes whether the provider was reached; swallows that it wasn't, unless it was the last."""
        try:
            yield
        except BackendError as error:
            if error.was_sent:
                raise
            self._health.failed(choice.served.provider.uuid)
            if is_last:
                raise
        else:
            self._health.answered(choice.served.provider.uuid)
