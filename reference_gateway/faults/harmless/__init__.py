"""Which harmless variations there are, alone and together.

A harmless variation is what a correct gateway may do in another way, in every answer of a run: none may turn a
requirement red. Each is made at one layer; together they are put around the gateway in the order of the layers.
"""

import random
from collections.abc import Iterable, Iterator

from reference_gateway.faults.asgi import chained
from reference_gateway.faults.fault import Fault
from reference_gateway.faults.harmless import behind, events, responses, transport, values
from reference_gateway.faults.harmless.variation import Layer, Variation

__all__ = ["VARIATIONS", "Layer", "alone", "between", "together"]

VARIATIONS: tuple[Variation, ...] = (
    *values.VARIATIONS,
    *responses.VARIATIONS,
    *events.VARIATIONS,
    *transport.VARIATIONS,
)
DRAWN = {Layer.VALUES: 3, Layer.CHUNKS: 1, Layer.EVENTS: 2, Layer.BYTES: 2}
"""How many variations of each layer go together."""


def alone(dialect: str) -> Iterator[Fault]:
    """Each variation by itself, in this dialect."""
    yield from (_fault([each], dialect) for each in VARIATIONS)


def together(dialect: str, count: int, seed: int = 0) -> Iterator[Fault]:
    """So many sets of a few variations, drawn with this seed."""
    draw = random.Random(f"{seed} {dialect}")
    for _ in range(count):
        chosen: list[Variation] = []
        for layer, number in DRAWN.items():
            chosen += draw.sample([each for each in VARIATIONS if each.layer is layer], number)
        chosen.sort(key=VARIATIONS.index)
        below = [each for each in chosen if each.tcp]
        yield _fault([each for each in chosen if each not in below[1:]], dialect)


def between() -> list[Fault]:
    """Each variation between a gateway and its scripted provider, by itself."""
    return list(behind.VARIATIONS)


def _fault(chosen: Iterable[Variation], dialect: str) -> Fault:
    """As a defect that breaks nothing, so that it is judged as one is."""
    name = " + ".join(each.name for each in chosen)
    may = tuple(id for each in chosen for id in each.warns.split())
    tcp = next((each.tcp for each in chosen if each.tcp), None)
    wrap = chained(*(each.wrap for each in chosen))
    return Fault(f"{name} ({dialect})", "harmless", "nothing", (), "", dialect, wrap, tcp, may=may)
