"""Probes that must be refused: broken bodies, wrong types, unknown names and paths.

The chat endpoint gets every case; completions, embeddings and responses, where the gateway has them, one that stands
for all.
"""

import json
from asyncio import gather
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from conformance.exchange import Exchange, Unusable
from conformance.features import no_such_route
from conformance.probe import Phase, probe
from conformance.sending.gateway import NOWHERE, TOKEN_CAP, Gateway, encode, together

JSON = {"Content-Type": "application/json"}
NEVER_THERE = (403, 404, 405, 501)
MISSING = "\N{SYMBOL FOR NULL}"
UNSERVED = "gateproof-no-such-model-written-twice"

RELAXED = ("trailing comma", "comment")
"""Malformed bodies that lenient parsers accept on purpose."""


@dataclass(frozen=True, slots=True)
class Post:
    """A POST endpoint and its smallest valid body."""

    name: str
    path: str
    body: dict[str, Any]

    def having(self, **fields: Any) -> bytes:
        """The body with these fields added or replaced."""
        return encode(self.body | fields)

    def lacking(self, field: str) -> bytes:
        return encode({key: value for key, value in self.body.items() if key != field})

    def spelling(self, field: str, literal: str) -> bytes:
        """The body with a field whose value is written as it stands, JSON or not."""
        return self.having(**{field: MISSING}).replace(encode(MISSING), literal.encode())


Case = Callable[[Post], bytes]

SPACED, MARKED = "white space around it", "a byte order mark"
MALFORMED: dict[str, Case] = {
    "truncated": lambda post: b'{"model":',
    "single quotes": lambda post: str(post.body).encode(),
    "trailing comma": lambda post: encode(post.body)[:-1] + b",}",
    "comment": lambda post: encode(post.body)[:-1] + b"\n// a comment\n}",
    "text after the object": lambda post: encode(post.body) + b" x",
}
EMPTY: dict[str, Case] = {"no body": lambda post: b"", "white space": lambda post: b" \n"}
NO_OBJECT: dict[str, Case] = {
    "[]": lambda post: b"[]",
    '"x"': lambda post: b'"x"',
    "1": lambda post: b"1",
    "null": lambda post: b"null",
    "true": lambda post: b"true",
}
NO_NAME: dict[str, Case] = {
    "model 1": lambda post: post.having(model=1),
    "model null": lambda post: post.having(model=None),
    "model true": lambda post: post.having(model=True),
    "model []": lambda post: post.having(model=[]),
    "model {}": lambda post: post.having(model={}),
}
NO_UTF_8: dict[str, Case] = {
    "byte 0xFF": lambda post: encode(post.body).replace(b"OK", b"O\xffK"),
    "overlong": lambda post: encode(post.body).replace(b"OK", b"O\xc0\xafK"),
}
HUGE: dict[str, Case] = {
    "seed 2^70": lambda post: post.having(seed=2**70),
    "seed of 5,000 digits": lambda post: post.spelling("seed", "1" + "0" * 4999),
    "temperature 1e999": lambda post: post.spelling("temperature", "1e999"),
    "top_p 1E400": lambda post: post.spelling("top_p", "1E400"),
    "temperature -0": lambda post: post.spelling("temperature", "-0"),
}
NO_NUMBER: dict[str, Case] = {
    "temperature NaN": lambda post: post.spelling("temperature", "NaN"),
    "temperature Infinity": lambda post: post.spelling("temperature", "Infinity"),
}
DEEP: dict[str, Case] = {
    "100,000 arrays": lambda post: nested(100_000),
    "1,000 arrays": lambda post: nested(1_000),
    "1,000 arrays in a field": lambda post: post.spelling("gateproof", nested(1_000).decode()),
    "100,000 arrays in a field": lambda post: post.spelling("gateproof", nested(100_000).decode()),
}
NAMED_WITH_NUL: dict[str, Case] = {"NUL": lambda post: post.having(model="a\x00b")}
ODD_NAMES: dict[str, Case] = {
    "10 kB": lambda post: post.having(model="a" * 10_000),
    **NAMED_WITH_NUL,
    "line feed": lambda post: post.having(model="a\nb"),
    "dot segments": lambda post: post.having(model="../../etc/passwd"),
    "lookup": lambda post: post.having(model="${jndi:ldap://127.0.0.1/a}"),
    "quotes": lambda post: post.having(model="a' OR '1'='1' --"),
}
HUGE_ELSEWHERE = {"completions": "seed", "embeddings": "dimensions", "responses": "max_output_tokens"}
"""A number that each of the other endpoints may be asked with."""
HALF: dict[str, Case] = {"half a surrogate pair": lambda post: encode(post.body).replace(b"OK", b"\\ud83d")}
DECORATED: dict[str, Case] = {"a field of one's own": lambda post: post.having(x_conformance={"a": 1})}
DUPLICATE_KEYS: dict[str, Case] = {
    "a served model, then an unknown one": lambda post: twice(post.body["model"], UNSERVED, post),
    "an unknown model, then a served one": lambda post: twice(UNSERVED, post.body["model"], post),
}
MESSAGES: dict[str, Case] = {
    "absent": lambda post: post.lacking("messages"),
    "null": lambda post: post.having(messages=None),
    '"hi"': lambda post: post.having(messages="hi"),
    "{}": lambda post: post.having(messages={}),
    "5": lambda post: post.having(messages=5),
    "[1]": lambda post: post.having(messages=[1]),
    "[null]": lambda post: post.having(messages=[None]),
    '["x"]': lambda post: post.having(messages=["x"]),
}


@probe()
async def unknown_model(gateway: Gateway) -> dict[str, Exchange]:
    """A model that is not served, at every POST endpoint that there is."""
    posts = await offered(gateway)
    return await together({post.name: gateway.post(post.path, _unserved(gateway, post)) for post in posts})


@probe()
async def unknown_path_posted(gateway: Gateway) -> Exchange:
    """A path that no gateway serves, with a body that a gateway which looks there first could make sense of."""
    return await gateway.post(NOWHERE, _unserved(gateway, _chat(gateway)))


@probe(phase=Phase.HOSTILE)
async def malformed_json(gateway: Gateway) -> dict[str, Exchange]:
    return await _everywhere(gateway, MALFORMED)


@probe()
async def other_json(gateway: Gateway) -> dict[str, Exchange]:
    """The smallest chat, its JSON written in ways that mean the same, and once behind a byte order mark."""
    fields = gateway.chat_body()
    body, path = encode(fields), "/chat/completions"
    escaped = body.replace(b'"messages"', rb'"\u006dessages"', 1)
    spaced = b" \r\n\t" + json.dumps(fields, indent=2).encode() + b"\r\n \t\n"
    return await together(
        {
            SPACED: gateway.post(path, body=spaced),
            "an escaped name": gateway.post(path, body=escaped),
            "Application/JSON": gateway.post(path, body=body, headers={"Content-Type": "Application/JSON"}),
            MARKED: gateway.post(path, body=b"\xef\xbb\xbf" + body),
        }
    )


@probe(phase=Phase.HOSTILE)
async def empty_body(gateway: Gateway) -> dict[str, Exchange]:
    return await _everywhere(gateway, EMPTY)


@probe(phase=Phase.HOSTILE)
async def no_object(gateway: Gateway) -> dict[str, Exchange]:
    return await _everywhere(gateway, NO_OBJECT)


@probe(phase=Phase.HOSTILE)
async def no_model(gateway: Gateway) -> dict[str, Exchange]:
    """Responses without a model are judged by themselves: their API does not always need one."""
    cases: dict[str, Case] = {"no model": lambda post: post.lacking("model")}
    return await _posted(gateway, _standing_for_all(cases, await offered(gateway)))


@probe(phase=Phase.HOSTILE)
async def model_of_wrong_type(gateway: Gateway) -> dict[str, Exchange]:
    return await _everywhere(gateway, NO_NAME)


@probe(phase=Phase.HOSTILE)
async def wrong_messages(gateway: Gateway) -> dict[str, Exchange]:
    return await _at_chat(gateway, MESSAGES)


@probe(phase=Phase.HOSTILE)
async def message_without_role(gateway: Gateway) -> dict[str, Exchange]:
    return await _at_chat(gateway, {"no role": lambda post: post.having(messages=[{"content": "x"}])})


@probe(phase=Phase.HOSTILE)
async def wrong_methods(gateway: Gateway) -> dict[str, Exchange]:
    """PUT and GET where only POST is known, POST where only GET is. What is put is a chat that would be served, so that
    a refusal is one of the method."""
    asked: dict[str, Awaitable[Exchange]] = {}
    for post in await offered(gateway):
        if post.name == "chat":
            asked["PUT /chat/completions"] = gateway.send("PUT", post.path, json=post.body)
        if post.name == "embeddings":
            asked["GET /embeddings"] = gateway.get(post.path)
    if "models" not in gateway.target.without:
        asked["POST /models"] = gateway.post("/models", {})
    return await together(asked)


@probe(phase=Phase.HOSTILE)
async def other_media_types(gateway: Gateway) -> dict[str, Exchange]:
    """The bytes of a valid chat, declared as something else."""
    types = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=gateproof")
    return await together({each: gateway.chat({"headers": {"Content-Type": each}, "case": each}) for each in types})


@probe(phase=Phase.HOSTILE)
async def no_media_type(gateway: Gateway) -> dict[str, Exchange]:
    posts = await offered(gateway)
    return await together(
        {post.name: gateway.post(post.path, post.body, headers={"Content-Type": None}) for post in posts}
    )


@probe(phase=Phase.HOSTILE)
async def invalid_utf_8(gateway: Gateway) -> dict[str, Exchange]:
    return await _everywhere(gateway, NO_UTF_8)


@probe(phase=Phase.HOSTILE)
async def utf_16(gateway: Gateway) -> dict[str, Exchange]:
    return await _at_chat(gateway, {"UTF-16": lambda post: json.dumps(post.body).encode("utf-16")})


@probe(phase=Phase.HOSTILE)
async def deep_nesting(gateway: Gateway) -> dict[str, Exchange]:
    return await _everywhere(gateway, DEEP, alone=True)


@probe(phase=Phase.HOSTILE)
async def huge_numbers(gateway: Gateway) -> dict[str, Exchange]:
    """Of the two names of the token cap one gets a number beyond all types, the other one beyond 64 bits."""
    cap = gateway.facts.token_key
    other = "max_tokens" if cap == "max_completion_tokens" else "max_completion_tokens"
    caps: dict[str, Case] = {
        f"{cap} 10^400": lambda post: post.having(**{cap: 10**400}),
        f"{other} 2^70": lambda post: encode(json.loads(post.lacking(cap)) | {other: 2**70}),
    }
    at_chat = await _at_chat(gateway, HUGE | caps)
    elsewhere: dict[str, Case] = {"10^400": lambda post: post.having(**{HUGE_ELSEWHERE[post.name]: 10**400})}
    return at_chat | await _elsewhere(gateway, elsewhere)


@probe(phase=Phase.HOSTILE)
async def not_a_number(gateway: Gateway) -> dict[str, Exchange]:
    return await _at_chat(gateway, NO_NUMBER)


@probe(phase=Phase.HOSTILE)
async def duplicate_keys(gateway: Gateway) -> dict[str, Exchange]:
    """Bodies that name two models."""
    return await _at_chat(gateway, DUPLICATE_KEYS)


@probe(phase=Phase.HOSTILE)
async def odd_names(gateway: Gateway) -> dict[str, Exchange]:
    """Model names that a careless gateway would pass on to a log, a file system or a database."""
    return await _everywhere(gateway, ODD_NAMES, alone=True) | await _elsewhere(gateway, NAMED_WITH_NUL)


@probe(phase=Phase.HOSTILE)
async def half_pairs(gateway: Gateway) -> dict[str, Exchange]:
    """Half of a surrogate pair, written as an escape, in what is not a chat."""
    return await _elsewhere(gateway, HALF)


@probe(phase=Phase.HOSTILE)
async def decorated(gateway: Gateway) -> dict[str, Exchange]:
    """A field of one's own, and a charset in the media type, in what is not a chat."""
    return await _elsewhere(gateway, DECORATED, {"Content-Type": "application/json; charset=utf-8"})


BROKEN = (
    malformed_json, empty_body, no_object, no_model, model_of_wrong_type, wrong_messages, message_without_role,
    wrong_methods, other_media_types, no_media_type, invalid_utf_8, utf_16, deep_nesting, huge_numbers, not_a_number,
    duplicate_keys, odd_names, half_pairs, decorated,
)  # fmt: skip


@probe(phase=Phase.HOSTILE)
async def chat_after_broken_requests(gateway: Gateway) -> Exchange:
    """The smallest chat once all of the above is answered; what was sent already is not sent again."""
    await gather(*(send(gateway) for send in BROKEN))
    return await gateway.chat({"repeat": "after the broken ones"})


async def offered(gateway: Gateway) -> list[Post]:
    """The POST endpoints that are there, chat first: not declared absent, nor answered as if nothing were there.
    Responses are not among them (see `all_offered`), as most of it is judged of them by itself."""
    posts = [post for post in _posts(gateway) if post.name not in gateway.target.without]
    if not posts:
        raise Unusable("the gateway was declared to have none of the POST endpoints")
    return [post for post in posts if post.name == "chat" or await _is_there(gateway, post)]


async def all_offered(gateway: Gateway) -> list[Post]:
    """The same, and responses where the smallest one is served."""
    posts, last = await offered(gateway), response_post(gateway)
    declined = "responses" in gateway.target.declined
    return posts if declined or not (await gateway.post(last.path, last.body)).ok else [*posts, last]


def nonce(gateway: Gateway) -> str:
    """Twelve letters that no gateway knows, the same throughout a run, so that equal requests are sent once."""
    return sha256(f"gateproof {gateway.target.base_url}".encode()).hexdigest()[:12]


def unserved_model(gateway: Gateway) -> str:
    """A well-formed model id that no gateway serves."""
    workspace = gateway.facts.workspace or "default"
    return gateway.profile.expect.unknown_model.format(nonce=nonce(gateway), workspace=workspace)


def embedding_model(gateway: Gateway) -> str:
    """A model that can only embed: the one that was given for that, or the first with such a name; "" without any."""
    named = [id for id in gateway.facts.listed if "embed" in id.lower()]
    return gateway.target.embeddings_model or next(iter(named), "")


def twice(first: str, second: str, post: Post) -> bytes:
    """The body with two models in it."""
    return post.having(model=first)[:-1] + b", " + encode({"model": second})[1:]


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def _posts(gateway: Gateway) -> list[Post]:
    model, target = gateway.facts.model, gateway.target
    completion = {"model": target.completions_model or model, "prompt": "Say OK.", "max_tokens": TOKEN_CAP}
    embedding = {"model": target.embeddings_model or model, "input": "OK"}
    return [
        _chat(gateway),
        Post("completions", "/completions", completion),
        Post("embeddings", "/embeddings", embedding),
    ]


def response_post(gateway: Gateway) -> Post:
    body = {"model": gateway.facts.model, "input": "Say OK.", "max_output_tokens": TOKEN_CAP}
    return Post("responses", "/responses", body)


def _chat(gateway: Gateway) -> Post:
    return Post("chat", "/chat/completions", gateway.chat_body())


def _unserved(gateway: Gateway, post: Post) -> dict[str, Any]:
    return post.body | {"model": unserved_model(gateway)}


async def _is_there(gateway: Gateway, post: Post) -> bool:
    """An endpoint that is not there answers an unknown model as an unknown path is answered, or refuses all alike.

    Where an answer names the model, somebody has read the body, even if paths do not matter to him. A redirect says
    that it is elsewhere.
    """
    answer = await gateway.post(post.path, _unserved(gateway, post))
    if 300 <= answer.status < 400:
        return False
    if nonce(gateway) in answer.readable:
        return True
    malformed = await gateway.post(post.path, body=MALFORMED["truncated"](post))
    refuses_all = answer.status == malformed.status in NEVER_THERE and answer.refusal == malformed.refusal
    return not refuses_all and not no_such_route(answer, await unknown_path_posted(gateway))


async def _at_chat(gateway: Gateway, cases: Mapping[str, Case]) -> dict[str, Exchange]:
    return await _posted(gateway, [(case, make, _chat(gateway)) for case, make in cases.items()])


async def _everywhere(gateway: Gateway, cases: Mapping[str, Case], *, alone: bool = False) -> dict[str, Exchange]:
    """Every case at the first endpoint, the first case at the others. If `alone`, each when nothing else is in flight,
    so that the time it takes is not that of others that it waits for."""
    sent = _standing_for_all(cases, await all_offered(gateway))
    if not alone:
        return await _posted(gateway, sent)
    found: dict[str, Exchange] = {}
    for each in sent:
        await gateway.quiet()
        found |= await _posted(gateway, [each])
    return found


def _standing_for_all(cases: Mapping[str, Case], posts: list[Post]) -> list[tuple[str, Case, Post]]:
    """Every case at the first of these endpoints, the first case at the others."""
    first, *others = posts
    one, make_one = next(iter(cases.items()))
    sent = [(case, make, first) for case, make in cases.items()]
    return sent + [(f"{one} at {post.path}", make_one, post) for post in others]


async def _elsewhere(
    gateway: Gateway, cases: Mapping[str, Case], headers: Mapping[str, str | None] | None = None
) -> dict[str, Exchange]:
    """Every case at the endpoints that are not for chats."""
    others = [post for post in await all_offered(gateway) if post.name != "chat"]
    sent = [(f"{case} at {post.path}", make, post) for case, make in cases.items() for post in others]
    return await _posted(gateway, sent, headers)


async def _posted(
    gateway: Gateway, sent: list[tuple[str, Case, Post]], headers: Mapping[str, str | None] | None = None
) -> dict[str, Exchange]:
    return await together(
        {
            case: gateway.post(post.path, body=make(post), headers=headers if make(post) else JSON, case=case)
            for case, make, post in sent
        }
    )
