"""Plays calls of the SDK through recorders: what a probe of the SDK returns."""

import asyncio
from collections.abc import Mapping
from typing import Any

from conformance.exchange import Unusable
from conformance.rehearsing.clock import JumpingLoop
from conformance.sdk.recorder import Recorder, not_sent
from conformance.sdk.worker import Lost, Worker, worker
from conformance.sending.gateway import ABSENT, Gateway

Played = dict[str, Any]
"""What came of one call: `client` (its name and version), `call` (its words in a program), `outcome` ("returned" with
`data`, or "raised" with what the exception says), and `exchanges`. `other` is the same for a second client, if one was
named, or None."""

_REQUESTS = {"give_back": 2, "leave": 5}
"""How many requests a call sends, where it is more than one."""
_ADDING: dict[str, dict[str, Any]] = {
    call: {"response_format": {"type": "json_object"}} for call in ("parse", "parse_tool")
}
_ADDING |= {"respond_parsed": {"text": {"format": {"type": "json_object"}}}, "respond_streamed": {"stream": True}}
"""About what the SDK adds to the bodies of some calls: a schema, which shortens the answer."""
_PATHS = {"models": "/models", "models_async": "/models", "embed": "/embeddings"}
_PATHS |= dict.fromkeys(("complete", "complete_streamed"), "/completions")
_PATHS |= dict.fromkeys(("respond", "respond_streamed", "respond_parsed"), "/responses")


async def played(
    gateway: Gateway,
    kind: str,
    body: Mapping[str, Any] | None = None,
    *,
    afresh: bool = False,
    obey: bool = True,
    script: str = "",
    base_slash: bool = False,
    **options: Any,
) -> Played:
    """Makes one call of this kind (see calls/) with these members as its arguments.

    `afresh`, `obey` and `script` are the recorder's, `options` the client's. Raises RuntimeError for a fault of ours.
    """
    body = body or {}
    if isinstance(asyncio.get_running_loop(), JumpingLoop):  # time is made up: nothing real may be waited for
        return await _rehearsed(gateway, kind, body, afresh=afresh, script=script, key=options.get("api_key", ABSENT))

    async def by(player: Worker) -> Played:
        client = await player.client()
        async with Recorder(gateway, afresh=afresh, obey=obey, script=script) as recorder:
            url = recorder.base_url + ("/" if base_slash else "")
            outcome = await player.call(kind, body, {"base_url": url, **options})
        if reason := not_sent(recorder):
            raise reason
        if recorder.trouble:
            raise RuntimeError("the recorder has failed") from recorder.trouble
        if outcome.get("ours") or outcome["outcome"] == "lost" or not recorder.exchanges:
            raise RuntimeError(f"{client}, {outcome.get('call', kind)}: {outcome.get('trace') or outcome}")
        return {"client": str(client), **outcome, "exchanges": recorder.exchanges}

    async def by_other(python: str) -> Played:
        try:
            return await by(worker(python))
        except Unusable:
            raise
        except (Lost, RuntimeError) as error:
            return {"outcome": "lost", "message": f"{error}", "exchanges": []}

    other = gateway.target.sdk_python
    if not other:
        return {**await by(worker()), "other": None}
    ours, theirs = await asyncio.gather(by(worker()), by_other(other))
    return {**ours, "other": theirs}


async def _rehearsed(
    gateway: Gateway, kind: str, body: Mapping[str, Any], *, afresh: bool, script: str, key: Any
) -> Played:
    """The requests that the call would send, one after the other, and nothing of the SDK."""
    options: dict[str, Any] = {"headers": {"User-Agent": "the SDK"}, "key": key}
    sent = []
    for number in range(_REQUESTS.get(kind, 1)):
        options["repeat"] = f"{kind} {number}" if number or afresh or kind in _ADDING else 0
        if script:
            sent.append(await gateway.scripted(body, case=script))
        elif kind == "retrieve":
            sent.append(await gateway.get(f"/models/{body['model']}", **options))
        elif kind.startswith("models"):
            sent.append(await gateway.get("/models", **options))
        else:
            sent.append(
                await gateway.post(_PATHS.get(kind, "/chat/completions"), {**body, **_ADDING.get(kind, {})}, **options)
            )
    return {"client": "", "call": kind, "outcome": "returned", "data": {}, "exchanges": sent, "other": None}
