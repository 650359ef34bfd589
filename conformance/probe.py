"""What a probe is: a short async function that sends requests and returns the recorded exchanges. It asserts nothing.

`@probe` makes the function known by its name; a test asks for its result with a parameter of that name.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conformance.sending.gateway import Gateway

Sender = Callable[["Gateway"], Awaitable[Any]]


class Phase(IntEnum):
    """When in a run a probe sends. Within OPEN and HOSTILE all probes run at once, within TIMED one after another."""

    OPEN = 0
    TIMED = 1
    """Measures time: nothing else is in flight."""
    HOSTILE = 2
    """May make the gateway answer 5xx or close connections, so it comes last: a circuit breaker would spoil the
    rest."""
    LAST = 3
    """May leave a gateway behind that serves nothing any more, if it has that fault."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A named sender. Its result is an Exchange, or lists and dicts of exchanges.

    `tokens` is about how many tokens its longest chain of answers has: the longest begin first.
    """

    name: str
    send: Sender
    phase: Phase
    tokens: int


PROBES: dict[str, Probe] = {}
MODES = ("plain", "streamed")
"""What holds for a reply holds for the same reply put together from a stream: how a test in both modes is asked."""


def streamed(name: str) -> str:
    """The name of a probe's streamed form."""
    return f"{name}_streamed"


def sent(name: str, mode: str) -> str:
    """The probe that a test asks for by this name in this mode."""
    return streamed(name) if mode == "streamed" and streamed(name) in PROBES else name


def probe(*, phase: Phase = Phase.OPEN, tokens: int = 16, both_modes: bool = False) -> Callable[[Sender], Sender]:
    """Registers an async function of one argument, the Gateway, as the probe of its own name.

    With `both_modes` it is registered a second time, as `streamed(name)`: all its chats are then streamed.
    """

    def register(send: Sender) -> Sender:
        name: str = send.__name__
        _register(Probe(name, send, phase, tokens))
        if both_modes:

            @wraps(send)
            async def send_streamed(gateway: "Gateway") -> Any:
                return await send(gateway.streaming())

            _register(Probe(streamed(name), send_streamed, phase, tokens))
        return send

    return register


def _register(probe: Probe) -> None:
    if probe.name in PROBES:
        raise ValueError(f"two probes are called {probe.name}")
    PROBES[probe.name] = probe
