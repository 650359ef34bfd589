"""What a gateway may send on to its provider, how often, and what it says of its provider."""

from asyncio import gather, sleep

from conformance.probe import Phase, probe
from conformance.probes.upstream import CAP, PIECES
from conformance.sending.gateway import Gateway
from conformance.sending.upstream import Answer, Told, told

HOP_MARKED = "gateproof-named-hop"
NAMED_HOPS = {
    "Connection": "TE, Keep-Alive, Proxy-Connection",
    "TE": f"trailers, {HOP_MARKED};q=0.1",
    "Keep-Alive": f"timeout=5, {HOP_MARKED}=1",
    "Proxy-Connection": HOP_MARKED,
}
"""Headers of a hop that the Connection header names."""
SPOOFED = "203.0.113.97"
"""An address of which a client says that it has it; of a network that there is not (RFC 5737)."""
SPOOFING = {
    "X-Forwarded-For": SPOOFED,
    "X-Real-IP": SPOOFED,
    "Forwarded": f"for={SPOOFED}",
    "True-Client-IP": SPOOFED,
    "OpenAI-Organization": "org-gateproof",
    "OpenAI-Project": "proj-gateproof",
}
"""What a client says of who it is, and of whose account is to pay."""
KEY_HEADERS = ("X-API-Key", "Api-Key")
"""Headers beside Authorization that some clients have their key in."""
WATCHED_S = 1.2
"""How long it is watched whether what was served comes once more."""
LONG = "".join(f"line {number}\n" for number in range(11_000))
"""A prompt of more than 100 KB, as a document or a long conversation is one."""
INSIDE = "node-7.inside.gateproof.example"
"""What a failing provider tells of its inside."""
TALKATIVE: dict[str, Answer] = {
    "a page": {
        "status": 502,
        "headers": {"Content-Type": "text/html"},
        "body": f"<html><h1>Bad gateway</h1><p>upstream {INSIDE} refused</p></html>",
    },
    "a trace": {
        "status": 500,
        "headers": {"Content-Type": "text/plain"},
        "body": f"panic: dial {INSIDE}\n  goroutine 1",
    },
}

ELSEWHERE = "/gateproof/elsewhere/"
"""Where a provider that redirects points: at itself, under another name of its host."""
REDIRECTS = (302, 307)


@probe()
async def scripted_hops(gateway: Gateway) -> Told:
    return await told(gateway, "named headers of a hop", {"pieces": PIECES}, headers=NAMED_HOPS, cap=CAP)


@probe()
async def scripted_spoofing(gateway: Gateway) -> Told:
    """A client that says that it is another one."""
    return await told(gateway, "another's address", {"pieces": PIECES}, headers=SPOOFING, cap=CAP)


@probe()
async def scripted_keys(gateway: Gateway) -> dict[str, Told]:
    """The client's own key in the other headers where a client may have it, too; none without a key."""
    key = gateway.target.api_key
    headers = {name: {name: key} for name in KEY_HEADERS} if key else {}
    found = await gather(*(told(gateway, n, {"pieces": PIECES}, headers=h, cap=CAP) for n, h in headers.items()))
    return dict(zip(headers, found, strict=True))


@probe()
async def scripted_afterwards(gateway: Gateway) -> dict[str, Told]:
    """A chat and a stream, and what their provider was sent until a while after they were served."""
    answer: Answer = {"pieces": PIECES}
    plain, streamed = await gather(
        told(gateway, "plain", answer, cap=CAP), told(gateway, "streamed", answer, cap=CAP, stream=True)
    )
    await sleep(WATCHED_S)
    found: dict[str, Told] = {}
    for case, each in {"plain": plain, "streamed": streamed}.items():
        path = each["kept"].request.url.removeprefix((gateway.target.upstream or "").removesuffix("/v1"))
        found[case] = each | {"kept": await gateway.kept(path, case=f"{case}, later")}
    return found


@probe()
async def scripted_long_prompt(gateway: Gateway) -> Told:
    messages = [{"role": "user", "content": LONG}]
    return await told(gateway, "a long prompt", {"pieces": PIECES}, messages=messages, cap=CAP)


@probe(phase=Phase.FAILING)
async def scripted_talk(gateway: Gateway) -> dict[str, Told]:
    """A provider that tells of its inside when it fails."""
    return {case: await told(gateway, case, answer, cap=CAP) for case, answer in TALKATIVE.items()}


@probe(phase=Phase.FAILING)
async def scripted_redirects(gateway: Gateway) -> dict[str, Told]:
    """A provider that points to another host."""
    found: dict[str, Told] = {}
    for status in REDIRECTS:
        answer: Answer = {"status": status, "headers": {"Location": "{elsewhere}"}, "body": ""}
        found[str(status)] = await told(gateway, str(status), answer, cap=CAP, settled_s=1.0)
    return found
