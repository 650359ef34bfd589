"""Probes of log-probabilities."""

from typing import Any

from conformance.exchange import Exchange
from conformance.probe import Phase, probe
from conformance.probes.stream.delivery import MULTIBYTE
from conformance.sending.gateway import Gateway, together, user

ALTERNATIVES = 3
N2_CAP = 24


@probe(both_modes=True)
async def chat_logprobs(gateway: Gateway) -> Exchange:
    return await gateway.chat(logprobs=True, top_logprobs=ALTERNATIVES)


@probe(both_modes=True)
async def chat_logprobs_n2(gateway: Gateway) -> Exchange:
    """Two answers that are longer than their cap, and have characters of many bytes."""
    return await gateway.chat(messages=[user(MULTIBYTE)], logprobs=True, top_logprobs=0, n=2, cap=N2_CAP)


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
