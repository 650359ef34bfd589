"""A model that two providers have: what becomes of it where the one that is asked first can't serve."""

import json
from asyncio import sleep
from typing import Any

from conformance.exchange import Unusable
from conformance.probe import Phase, probe
from conformance.probes.upstream import CAP, FAILURES, PIECES, USAGE
from conformance.reading.upstream import received
from conformance.sending.gateway import Gateway
from conformance.sending.upstream import Answer, Told, told

STANDBY: Answer = {
    "pieces": ["Six ", "seven ", "eight."],
    "usage": {"prompt_tokens": 1235, "completion_tokens": 568, "total_tokens": 1803},
}
"""What the provider answers that stands in for another."""
REFUSAL = {"error": {"message": "no", "type": "invalid_request_error", "param": "messages", "code": "invalid_value"}}
FAILOVER: dict[str, tuple[Answer, bool]] = {
    "none": ({"pieces": PIECES, "usage": USAGE}, False),
    "none, streamed": ({"pieces": PIECES, "usage": USAGE}, True),
    "a refusal": ({"status": 400, "body": json.dumps(REFUSAL)}, False),
    "a refusal, streamed": ({"status": 400, "body": json.dumps(REFUSAL)}, True),
    "a cut in the middle": ({"pieces": PIECES, "events": 3, "then": "cut"}, True),
    "500": (FAILURES["500"], False),
    "500, streamed": (FAILURES["500"], True),
    "503": (FAILURES["503"], False),
    "a connection that is cut": (FAILURES["a connection that is cut"], False),
    "a connection that is cut, streamed": (FAILURES["a connection that is cut"], True),
}
"""What the first provider does, and whether it is asked for a stream."""
PAUSES_S = (1.0, 6.0)


@probe(phase=Phase.FAILING)
async def scripted_failover(gateway: Gateway) -> dict[str, Told]:
    """A model that two providers have: the one that is asked first serves, refuses, or fails, and the other serves.
    Where a failure is not taken to the other one, that may be left alone for a while, and it is tried again."""
    model = gateway.target.failover_model
    if not model:
        raise Unusable("no model that two providers have is named (--failover-model)")
    found: dict[str, Told] = {}
    for case, (answer, streamed) in FAILOVER.items():
        for pause_s in (*PAUSES_S, None):
            found[case] = await told(gateway, case, answer, other=STANDBY, model=model, cap=CAP, **_mode(streamed))
            asked = {row.path for row in received(found[case]["kept"])}
            if pause_s is None or answer.get("status", 200) < 500 or len(asked) > 1:
                break
            await sleep(pause_s)
    return found


def _mode(streamed: bool) -> dict[str, Any]:
    return {"stream": True, "stream_options": {"include_usage": True}} if streamed else {}
