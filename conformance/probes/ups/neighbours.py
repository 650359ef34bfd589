"""What one client does of which others should notice nothing: it leaves, or asks wrongly."""

import json
from asyncio import gather

from conformance.probe import Phase, probe
from conformance.probes.upstream import CAP, PIECES
from conformance.sending.gateway import Gateway
from conformance.sending.manners import Manner
from conformance.sending.upstream import Answer, Told, told

GAP_S = 0.2
"""Between two events of a stream that is left."""
LEAVING_AFTER = 3
LEAVING_S = 0.5
"""When a client leaves that has had nothing of its answer yet."""
CANCELLED_S = 5.0
"""How soon a provider must be left after its client has gone."""
STAYING = [f"word {number} " for number in range(8)]
"""What a client gets that stays while another one leaves."""
WRONG_CHATS = 10
"""More than the failures after which circuit breakers usually open."""
WRONG: Answer = {
    "status": 400,
    "body": json.dumps(
        {"error": {"message": "wrong", "type": "invalid_request_error", "param": "messages", "code": "invalid_value"}}
    ),
}


@probe(phase=Phase.TIMED)
async def scripted_leave(gateway: Gateway) -> dict[str, Told]:
    """A client that leaves a stream which has seconds to go, and one that stays meanwhile; then clients that leave
    before anything of their answer is there."""
    watched_s = CANCELLED_S + 1
    long: Answer = {"pieces": ["word "] * 60, "gap_s": GAP_S}
    late: Answer = {"pieces": PIECES, "delay_s": LEAVING_S + watched_s + 1}
    early = Manner(leave_after=1, patience_s=LEAVING_S)
    midway = Manner(leave_after=LEAVING_AFTER)
    left, stays = await gather(
        told(gateway, "left", long, cap=CAP, stream=True, manner=midway, settled_s=watched_s),
        told(gateway, "stays", {"pieces": STAYING, "gap_s": GAP_S}, cap=CAP, stream=True),
    )
    plain, streamed = await gather(
        told(gateway, "left, plain", late, cap=CAP, manner=early, settled_s=watched_s, once=True),
        told(gateway, "left early", late, cap=CAP, stream=True, manner=early, settled_s=watched_s, once=True),
    )
    return {"left": left, "stays": stays, "plain": plain, "before its first event": streamed}


@probe(phase=Phase.FAILING)
async def scripted_wrong(gateway: Gateway) -> dict[str, Told]:
    """Chats with which something is wrong, as their provider finds, and then one with which nothing is."""
    found = {"before": await told(gateway, "before", {"pieces": PIECES}, cap=CAP)}
    for number in range(WRONG_CHATS):
        found[f"wrong {number + 1}"] = await told(gateway, f"wrong {number + 1}", WRONG, cap=CAP, once=True)
    return found | {"after": await told(gateway, "after", {"pieces": PIECES}, cap=CAP, once=True)}
