"""Whether answers were held back is told from all of them together."""

import json

import pytest

from conformance.exchange import Exchange, Request, Response
from conformance.rules.streams.timing import came_in_bursts

CHUNK = b"data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": "word "}}]}).encode() + b"\n\n"


def stream(*times_s: float) -> Exchange:
    answer = Response(200, (("Content-Type", "text/event-stream"),), tuple((t_s, CHUNK) for t_s in times_s))
    return Exchange("x1", "", Request("POST", "http://gw/v1"), answer)


BURST = stream(*[0.5] * 30)
AT_ONCE = stream(*[0.05] * 30)
AS_MADE = stream(*(0.1 + n / 50 for n in range(30)))
SHORT = stream(0.1, 0.1)


@pytest.mark.parametrize(
    ("longs", "expected"),
    [
        ([BURST, BURST], True),
        ([BURST, SHORT], True),
        ([BURST, AS_MADE], False),
        ([AT_ONCE, AS_MADE], False),
        ([BURST, AT_ONCE], None),
        ([SHORT, AT_ONCE], None),
        ([], None),
    ],
    ids=["both", "both, one short", "one", "neither, one at once", "one, one at once", "too little", "nothing"],
)
def test_a_model_that_makes_an_answer_at_once_may_make_another_so_later(
    longs: list[Exchange], expected: bool | None
) -> None:
    assert came_in_bursts(longs, [SHORT]) is expected
