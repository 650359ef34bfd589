"""Probes of API keys: missing, wrong, malformed, odd. Chats are used, because some gateways leave their lists public.

Wrong keys are few and sent late, as a gateway may lock out whoever sends many. Where the target has no key, nothing is
sent."""

from asyncio import gather
from collections.abc import Awaitable
from urllib.parse import quote

from conformance.exchange import Exchange, Unusable
from conformance.probe import Phase, probe
from conformance.probes.embeddings import embeddings_base64
from conformance.probes.errors import MALFORMED, nonce, offered, unserved_model
from conformance.probes.listing import model_by_id
from conformance.sending.gateway import Gateway, encode, together

STAINLESS = {
    "User-Agent": "OpenAI/Python 2.8.0",
    "OpenAI-Beta": "assistants=v2",
    "x-stainless-lang": "python",
    "x-stainless-package-version": "2.8.0",
    "x-stainless-os": "Linux",
    "x-stainless-arch": "x64",
    "x-stainless-runtime": "CPython",
    "x-stainless-runtime-version": "3.12.3",
    "x-stainless-async": "false",
    "x-stainless-retry-count": "0",
    "x-stainless-read-timeout": "600",
}
OTHER_HEADERS = ("x-api-key", "api-key")
UNSET = ("null", "undefined", "None")
LONG_BODY = 70_000
"""Bytes that no server reads at once."""
WAYS = {
    "an event stream accepted": {"Accept": "text/event-stream"},
    "in chunks": {"Transfer-Encoding": "chunked"},
    "Expect: 100-continue": {"Expect": "100-continue"},
    "for localhost": {"Host": "localhost"},
    "a health check": {"User-Agent": "kube-probe/1.31"},
    "a page of a browser": {"Origin": "null", "Sec-Fetch-Site": "same-origin", "X-Requested-With": "XMLHttpRequest"},
    "another method": {"X-HTTP-Method-Override": "OPTIONS"},
}
"""Headers that say how a request is sent, or by what, and never by whom."""
ORGANIZATION = {"OpenAI-Organization": "org-gateproof", "OpenAI-Project": "proj_gateproof"}


@probe()
async def models_without_key(gateway: Gateway) -> Exchange:
    _key(gateway)
    return await gateway.get("/models", key=None)


@probe()
async def without_key(gateway: Gateway) -> dict[str, Exchange]:
    """Every endpoint that the gateway has, save the list, called without a key; embeddings as openai-python asks for
    them, too."""
    _key(gateway)
    posts = await offered(gateway)
    in_base64 = await embeddings_base64(gateway) if any(post.name == "embeddings" for post in posts) else None
    model = await model_by_id(gateway) if gateway.facts.listed else None
    asked: dict[str, Awaitable[Exchange]] = {}
    for post in posts:
        asked[f"POST {post.path}"] = gateway.post(post.path, post.body, key=None)
        if post.name == "embeddings" and in_base64 and in_base64.ok:
            asked[f"POST {post.path}, in base64"] = gateway.post(post.path, in_base64.sent, key=None)
    if model and model.ok:
        path = model.request.url.removeprefix(gateway.target.base_url)
        asked["GET /models/{id}"] = gateway.get(path, key=None)
    if "providers" in gateway.profile.claimed:
        asked["GET /providers"] = gateway.get("/providers", key=None)
    return await together(asked)


@probe()
async def chat_without_key(gateway: Gateway) -> Exchange:
    _key(gateway)
    return await gateway.chat({"key": None})


@probe()
async def stream_without_key(gateway: Gateway) -> Exchange:
    _key(gateway)
    return await gateway.stream({"key": None})


@probe()
async def completion_stream_without_key(gateway: Gateway) -> dict[str, Exchange]:
    """A streamed completion without a key, where there are completions."""
    _key(gateway)
    posts = [post for post in await offered(gateway) if post.name == "completions"]
    return await together(
        {
            f"POST {post.path}, streamed": gateway.post(post.path, post.body | {"stream": True}, key=None)
            for post in posts
        }
    )


@probe()
async def long_bodies_without_key(gateway: Gateway) -> dict[str, Exchange]:
    """The smallest chat, plain and streamed, without a key, its body made long by white space that costs no token."""
    _key(gateway)
    bodies = {"a long body": gateway.chat_body(), "a long body, streamed": gateway.chat_body(stream=True)}
    return await together(
        {
            case: gateway.post("/chat/completions", body=b" " * LONG_BODY + encode(body), key=None, case=case)
            for case, body in bodies.items()
        }
    )


@probe(phase=Phase.HOSTILE)
async def ways_without_key(gateway: Gateway) -> dict[str, Exchange]:
    """The smallest chat without a key, sent in ways that a guard may let pass; and the list by a path in upper case."""
    _key(gateway)
    shouted = gateway.target.base_url.removeprefix(gateway.target.origin).upper() + "/models"
    asked = {case: gateway.chat({"key": None, "headers": each, "obey": False}) for case, each in WAYS.items()}
    asked["a path in upper case"] = gateway.get(shouted, key=None, from_origin=True)
    return await together(asked) | {"HTTP/1.0": await _without_key_in_http_1_0(gateway)}


@probe()
async def heads_without_key(gateway: Gateway) -> dict[str, Exchange]:
    """HEAD of the list and of a model that is retrieved with a key, without one."""
    _key(gateway)
    model = await model_by_id(gateway) if gateway.facts.listed else None
    asked = {"HEAD /models": gateway.send("HEAD", "/models", key=None)}
    if model and model.ok:
        path = model.request.url.removeprefix(gateway.target.base_url)
        asked["HEAD /models/{id}"] = gateway.send("HEAD", path, key=None)
    return await together(asked)


@probe()
async def broken_without_key(gateway: Gateway) -> dict[str, Exchange]:
    """Requests that a gateway which looks at the body first refuses for another reason than the missing key."""
    _key(gateway)
    truncated = MALFORMED["truncated"]((await offered(gateway))[0])
    return await together(
        {
            "unknown model": gateway.chat({"key": None}, model=unserved_model(gateway)),
            "malformed body": gateway.post("/chat/completions", body=truncated, key=None),
        }
    )


@probe()
async def key_in_query(gateway: Gateway) -> dict[str, Exchange]:
    key = quote(_key(gateway), safe="")
    return await together(
        {
            name: gateway.post(f"/chat/completions?{name}={key}", gateway.chat_body(), key=None)
            for name in ("api_key", "access_token")
        }
    )


@probe()
async def scheme_in_other_case(gateway: Gateway) -> dict[str, Exchange]:
    key = _key(gateway)
    return await together(
        {scheme: gateway.chat({"authorization": [f"{scheme} {key}"]}) for scheme in ("bearer", "BEARER")}
    )


@probe()
async def sdk_headers(gateway: Gateway) -> dict[str, Exchange]:
    return await together(
        {
            "x-stainless and OpenAI-Beta": gateway.chat({"headers": STAINLESS}),
            "OpenAI-Organization and OpenAI-Project": gateway.chat({"headers": ORGANIZATION}),
        }
    )


@probe(phase=Phase.HOSTILE)
async def wrong_key(gateway: Gateway) -> dict[str, Exchange]:
    """A key that nobody has issued, at every endpoint."""
    wrong = wrong_key_of(gateway)
    posts = await offered(gateway)
    return await together({f"POST {post.path}": gateway.post(post.path, post.body, key=wrong) for post in posts})


@probe(phase=Phase.HOSTILE)
async def wrong_key_elsewhere(gateway: Gateway) -> dict[str, Exchange]:
    """A key that nobody has issued, where some gateways only look whether there is one."""
    wrong = wrong_key_of(gateway)
    model = await model_by_id(gateway) if gateway.facts.listed else None
    asked = {"GET /models": gateway.get("/models", key=wrong), "a streamed chat": gateway.stream({"key": wrong})}
    asked["an unknown path"] = gateway.get("/gateproof-no-such-endpoint", key=wrong)
    if model and model.ok:
        path = model.request.url.removeprefix(gateway.target.base_url)
        asked["GET /models/{id}"] = gateway.get(path, key=wrong)
    return await together(asked)


@probe(phase=Phase.HOSTILE)
async def keys_in_other_headers(gateway: Gateway) -> dict[str, Exchange]:
    """Chats with an unknown model: the right and a wrong key in headers that other vendors use, no Authorization."""
    keys = {"the right key": _key(gateway), "a wrong key": wrong_key_of(gateway)}
    model = unserved_model(gateway)
    return await together(
        {
            f"{which} in {name}": gateway.chat({"key": None, "headers": {name: key}}, model=model)
            for name in OTHER_HEADERS
            for which, key in keys.items()
        }
    )


@probe(phase=Phase.HOSTILE)
async def restricted_key(gateway: Gateway) -> dict[str, Exchange]:
    """The smallest chat, plain and streamed, with the key that was given as one that may not do so."""
    key = gateway.target.restricted_api_key
    if not key:
        raise Unusable("no restricted key is given (--restricted-api-key)")
    return await together({"plain": gateway.chat({"key": key}), "streamed": gateway.stream({"key": key})})


@probe(phase=Phase.HOSTILE)
async def near_keys(gateway: Gateway) -> dict[str, Exchange]:
    """The right key with one character too few, too many, and in the other case (unless its case may mean nothing); and
    what programs send for a key that nobody has set."""
    key = _key(gateway)
    near = {"last character missing": key[:-1], "one character more": f"{key}x"}
    if any(c.isalpha() and c not in "abcdefABCDEF" for c in key):
        near["upper and lower case swapped"] = key.swapcase()
    near |= {f"the word {word}": word for word in UNSET if word != key}
    return await together({case: gateway.chat({"key": wrong, "case": case}) for case, wrong in near.items() if wrong})


@probe(phase=Phase.HOSTILE)
async def malformed_credentials(gateway: Gateway) -> dict[str, Exchange]:
    key = _key(gateway)
    values = {
        "Basic with the key": f"Basic {key}",
        "an unknown scheme": f"Token {key}",
        "Bearer alone": "Bearer",
        "two words": f"Bearer {key} x",
        "two words, the key behind": f"Bearer x {key}",
        "two keys in a line": f"Bearer {wrong_key_of(gateway)}, Bearer {key}",
        "the key without a scheme": key,
        "an empty value": "",
    }
    return await together({case: gateway.chat({"authorization": [value]}) for case, value in values.items()})


@probe(phase=Phase.HOSTILE)
async def two_keys(gateway: Gateway) -> dict[str, Exchange]:
    right, wrong = f"Bearer {_key(gateway)}", f"Bearer {wrong_key_of(gateway)}"
    return await together(
        {
            "wrong, then right": gateway.chat({"authorization": [wrong, right]}),
            "right, then wrong": gateway.chat({"authorization": [right, wrong]}),
        }
    )


@probe(phase=Phase.HOSTILE)
async def odd_keys(gateway: Gateway) -> dict[str, Exchange]:
    _key(gateway)
    return await together(
        {
            "16 kB": gateway.chat({"key": f"sk-{'a' * 16_384}", "case": "16 kB"}),
            "bytes from 0x80 up": gateway.chat({"key": "sk-gateproof-\xe9\x80\xff", "case": "bytes from 0x80 up"}),
        }
    )


@probe(phase=Phase.HOSTILE)
async def chat_after_wrong_keys(gateway: Gateway) -> Exchange:
    """The right key after all the wrong ones, which are at least ten; they are not sent again."""
    _key(gateway)
    await gather(*(send(gateway) for send in (wrong_key, near_keys, malformed_credentials, two_keys, odd_keys)))
    return await gateway.chat({"repeat": "after wrong keys"})


async def _without_key_in_http_1_0(gateway: Gateway) -> Exchange:
    ordinary = gateway.as_bytes("POST", "/chat/completions", encode(gateway.chat_body()))
    lines = [line for line in ordinary.split(b"\r\n") if not line.lower().startswith(b"authorization:")]
    return (await gateway.raw([b"\r\n".join(lines).replace(b"HTTP/1.1", b"HTTP/1.0", 1)], ["POST"]))[0]


def _key(gateway: Gateway) -> str:
    """The target's own key. Raises Unusable without one, so that nothing is sent where keys are not judged."""
    if not gateway.target.api_key:
        raise Unusable("no API key is given")
    return gateway.target.api_key


def wrong_key_of(gateway: Gateway) -> str:
    """A key of 40 characters that nobody has issued."""
    _key(gateway)
    return f"sk-gateproof-{nonce(gateway) * 3}"[:40]
