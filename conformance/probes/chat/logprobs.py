"""Probes of log-probabilities."""

from typing import Any

from conformance.exchange import Exchange
from conformance.probe import Phase, probe
from conformance.sending.gateway import Gateway, together

ALTERNATIVES = 3


@probe(both_modes=True)
async def chat_logprobs(gateway: Gateway) -> Exchange:
    return await gateway.chat(logprobs=True, top_logprobs=ALTERNATIVES)


@probe()
async def chat_logprobs_alone(gateway: Gateway) -> Exchange:
    return await gateway.chat(logprobs=True, top_logprobs=0)


@probe(phase=Phase.HOSTILE)
async def chat_bad_logprobs(gateway: Gateway) -> dict[str, Exchange]:
    fields: dict[str, dict[str, Any]] = {
        "top_logprobs without logprobs": {"top_logprobs": 2},
        "top_logprobs 21": {"logprobs": True, "top_logprobs": 21},
        "top_logprobs -1": {"logprobs": True, "top_logprobs": -1},
    }
    return await together({case: gateway.chat({"case": case}, **chosen) for case, chosen in fields.items()})
