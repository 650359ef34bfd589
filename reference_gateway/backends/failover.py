"""Which of several backends answers: that of the first provider that can be reached and is able to."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
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


@dataclass(frozen=True, slots=True)
class Begun:
    """A stream whose first chunk is there. Whoever closes `rest` abandons it."""

    first: Json
    rest: AsyncGenerator[Json, None]
    answers_as: str
    """What its chunks are to call the model."""


class Failover:
    """Asks one provider after the other until one can do it. What one may have begun is never sent to another, so that
    nothing is paid for twice."""

    def __init__(self, choices: Sequence[Choice], health: Health) -> None:
        self._choices, self._health = choices, health

    async def answer(self, call: Call) -> Json:
        for choice, is_last in self._in_turn():
            with self._judged(choice, is_last):
                answer = await choice.backend.answer(choice.call(call))
                answer["model"] = choice.answers_as
                return answer
        raise AssertionError("there is always a last choice")

    async def begin(self, call: Call) -> Begun:
        """The stream of the first that can do it. BackendError if none can, or it has no chunk."""
        for choice, is_last in self._in_turn():
            with self._judged(choice, is_last):
                chunks = cast(AsyncGenerator[Json, None], choice.backend.stream(choice.call(call)))
                first = await anext(chunks, None)
                if first is None:
                    raise BackendError(502, "The model's stream ended before its first chunk.")
                return Begun(first, chunks, choice.answers_as)
        raise AssertionError("there is always a last choice")

    def _in_turn(self) -> Iterator[tuple[Choice, bool]]:
        return ((choice, choice is self._choices[-1]) for choice in self._choices)

    @contextmanager
    def _judged(self, choice: Choice, is_last: bool) -> Iterator[None]:
        """Notes whether the provider was reached; swallows that it wasn't, or could not do it, unless it was the
        last."""
        try:
            yield
        except BackendError as error:
            if not error.was_sent:
                self._health.failed(choice.served.provider.uuid)
            if is_last or (error.was_sent and not error.was_refused):
                raise
        else:
            self._health.answered(choice.served.provider.uuid)
