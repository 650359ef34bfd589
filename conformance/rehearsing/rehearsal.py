"""What a run will cost, found out by rehearsing it: every probe sends, but to answers made up here, and time is made
up, too. Nothing leaves the process.

The made-up gateway serves what is well formed, refuses the rest, and its model always speaks until its cap.
"""

import asyncio
import json
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from conformance.exchange import Exchange, Request, Response
from conformance.profiles import Profile
from conformance.rehearsing import understudy
from conformance.rehearsing.clock import JumpingLoop
from conformance.sending import cost
from conformance.sending.gateway import Gateway
from conformance.sending.manners import Manner
from conformance.sending.recording import Recording, record_with
from conformance.sending.upstream import RECORDS
from conformance.sending.wire import meant
from conformance.target import Target

SPEEDS = (("quick", 0.2, 0.01), ("slow", 0.8, 0.03))
"""(word, seconds to the first token, seconds per token) of the models that the plan's times are given for."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will send: requests, tokens (those of answers at the most), and its longest chain.

    `chain_requests` and `chain_tokens` are the most requests, and the most tokens of answers, that wait for one
    another. `takes_s` is how long the run takes with models of given speeds.
    """

    requests: int
    tokens: cost.Tokens
    chain_requests: int
    chain_tokens: int
    takes_s: dict[str, float]


def plan(target: Target, profile: Profile, names: set[str], *, concurrency: int) -> Plan:
    """Rehearses a run of these probes. Raises ConfigError for what a run would refuse, too."""
    once = _rehearsed(target, profile, names, ttft_s=1.0, itl_s=0.0, concurrency=100_000)
    tokens = _rehearsed(target, profile, names, ttft_s=0.0, itl_s=1.0, concurrency=100_000)
    takes = {
        f"{word} model ({ttft_s * 1000:g} ms to the first token, {itl_s * 1000:g} ms each)": _rehearsed(
            target, profile, names, ttft_s=ttft_s, itl_s=itl_s, concurrency=concurrency
        ).duration_s
        for word, ttft_s, itl_s in SPEEDS
    }
    return Plan(
        requests=len(once.all),
        tokens=sum((cost.spent(x) for x in once.all), cost.Tokens()),
        chain_requests=round(once.duration_s),
        chain_tokens=round(tokens.duration_s),
        takes_s=takes,
    )


def _rehearsed(
    target: Target, profile: Profile, names: set[str], *, ttft_s: float, itl_s: float, concurrency: int
) -> Recording:
    wire = Stage(target, ttft_s, itl_s)
    gateway = Gateway(wire, target, profile, concurrency=concurrency)
    recorded: list[Recording] = []

    async def go() -> None:
        recorded.append(await record_with(gateway, names))

    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        runner.run(go())
    return recorded[0]


class Stage:
    """Stands where the wire stands, and answers by itself."""

    def __init__(self, target: Target, ttft_s: float, itl_s: float) -> None:
        self._target, self._ttft_s, self._itl_s = target, ttft_s, itl_s
        given = [target.model, target.completions_model, target.embeddings_model]
        self._models = tuple(dict.fromkeys([*filter(None, given), *understudy.MODELS]))

    async def send(self, id: str, label: str, request: Request) -> Exchange:
        if urlsplit(request.url).path.startswith(RECORDS):
            status, document = understudy.KEPT
        else:
            status, document = understudy.answer(request, self._models, self._target.api_key)
        tokens = document.get("spoken", 0)
        document = {key: value for key, value in document.items() if key != "spoken"}
        body = json.dumps(document).encode()
        streamed = status == 200 and understudy.sent(request.body).get("stream") is True
        if status == 200 and tokens:
            await asyncio.sleep(self._ttft_s + max(tokens - 1, 0) * self._itl_s)
        kind = "text/event-stream" if streamed else "application/json"
        if streamed:
            body = understudy.events(document)
        response = Response(status, (("Content-Type", kind), ("x-request-id", id)), ((0.0, body),))
        return Exchange(id, label, request, response)

    async def badly(self, id: str, label: str, request: Request, manner: Manner) -> Exchange:
        """Who leaves in the middle is taken to have cost what came until then."""
        if manner.leave_after is not None:
            body = understudy.sent(request.body) | {"max_tokens": manner.leave_after + 1}
            request = replace(request, body=json.dumps(body).encode())
        return await self.send(id, label, request)

    async def raw(self, id: str, label: str, origin: str, data: list[bytes], expect: list[str]) -> list[Exchange]:
        """The bytes are read as the requests that they are meant to be."""
        found = []
        for number, (piece, method) in enumerate(zip(data, expect, strict=True)):
            answered = await self.send(f"{id}.{number}", label, meant(method, origin, piece))
            found.append(replace(answered, request=Request(method, origin, (), piece)))
        return found
