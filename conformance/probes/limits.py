"""Probes of what is too much: bodies and headers above a limit, long prompts in bad requests, and too many requests."""

from asyncio import gather
from typing import Any

from conformance.exchange import Exchange, Unusable
from conformance.features import is_claimed
from conformance.probe import Phase, probe
from conformance.probes.errors import offered, unserved_model
from conformance.sending.gateway import Gateway, encode, together, user

LONG = " ".join(f"kestrel{number:03}" for number in range(300))
"""A prompt of 3.3 kB of which no dozen characters occur twice, nor anywhere else."""
ABOVE = 1024 * 1024
"""How far above the limit a body is that is too large, in bytes."""
LONG_HEADER = "a" * 65_536
BURST = 40
AT_ONCE = 8
CONTINUE = (("Expect", "100-continue"),)


@probe(phase=Phase.HOSTILE)
async def long_prompts_refused(gateway: Gateway) -> dict[str, Exchange]:
    """Requests with a long prompt that are to be refused, and a short one with a hundred mistakes."""
    model, posts = unserved_model(gateway), await offered(gateway)
    bad: dict[str, dict[str, Any]] = {
        "an unknown model": {"model": model, "messages": [user(LONG)]},
        "an unknown model, streamed": {"model": model, "messages": [user(LONG)], "stream": True},
        "a message without a role": {"messages": [{"content": LONG}]},
        "a hundred broken messages": {"messages": [{"role": "user", "content": [{"type": "gateproof"}]}] * 100},
    }
    asked = {case: gateway.chat({"case": case}, **fields) for case, fields in bad.items()}
    truncated = encode(gateway.chat_body(messages=[user(LONG)]))[:-1]
    asked["malformed JSON"] = gateway.post("/chat/completions", body=truncated, case="malformed JSON")
    for post in posts[1:]:
        field = "input" if post.name == "embeddings" else "prompt"
        asked[post.path] = gateway.post(post.path, post.body | {"model": model, field: LONG})
    return await together(asked)


@probe(phase=Phase.HOSTILE)
async def body_above_limit(gateway: Gateway) -> list[Exchange]:
    """A body above the configured limit, its answer read while it is still being written; then the smallest chat."""
    limit = gateway.target.body_limit
    if not limit:
        raise Unusable("no limit is given (--body-limit)")
    body = encode(gateway.chat_body(model=unserved_model(gateway), messages=[user("pear " * ((limit + ABOVE) // 5))]))
    too_large = await gateway.raw([gateway.as_bytes("POST", "/chat/completions", body)], ["POST"])
    return [*too_large, await gateway.chat({"repeat": "after a large body"})]


@probe(phase=Phase.HOSTILE)
async def large_header(gateway: Gateway) -> list[Exchange]:
    """The list with a header of 64 kB, then without."""
    asked = await gateway.get("/models", headers={"X-Gateproof-Long": LONG_HEADER})
    return [asked, await gateway.get("/models", repeat="after a large header")]


@probe(phase=Phase.HOSTILE)
async def burst(gateway: Gateway) -> list[Exchange]:
    """Chats, plain and streamed by turns, until one is throttled, forty at the most. Nothing where nothing is claimed
    of rate limits. No answer is obeyed."""
    found: list[Exchange] = []
    if not is_claimed("rate_limit", gateway.target, gateway.profile):
        return found
    await gateway.quiet()
    while len(found) < BURST and not any(x.status == 429 for x in found):
        numbers = range(len(found), len(found) + AT_ONCE)
        found += await gather(
            *(
                gateway.chat({"repeat": f"burst {n}", "obey": False}, **({"stream": True} if n % 2 else {}))
                for n in numbers
            )
        )
    return found


@probe(phase=Phase.HOSTILE)
async def expect_continue(gateway: Gateway) -> list[Exchange]:
    """A head that asks whether to go on, and the body of a chat with an unknown model once there is an answer. Asked
    once more where none came in time, as either side may have been busy."""
    chat = (await offered(gateway))[0]
    body = chat.having(model=unserved_model(gateway))
    head = gateway.as_bytes("POST", chat.path, body, CONTINUE).removesuffix(body)
    found = await gateway.raw([head, body], ["POST", "POST"])
    return found if found[0].complete else await gateway.raw([head, body], ["POST", "POST"])
