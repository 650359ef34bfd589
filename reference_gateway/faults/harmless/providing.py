"""What a correct gateway may do in another way between its clients and its provider."""

import json
from dataclasses import replace
from typing import Any

from reference_gateway.faults.asgi import Answer, Asked, Wrap, before, chained, changed
from reference_gateway.faults.behind import asked_again, own_error, scripted
from reference_gateway.faults.edits import asked_as, event, is_chat, put
from reference_gateway.faults.exchanges import header
from reference_gateway.faults.fault import Fault, nothing

PROMPT = {"role": "system", "content": "Be brief."}


def written_anew(asked: Asked) -> Asked | None:
    """Members in another order, letters escaped, and whole numbers with a point where they are counts."""
    body = asked.object
    if not body:
        return None
    text = json.dumps(body, sort_keys=True, indent=1).replace('"n": 1,', '"n": 1.0,')
    return replace(asked, body=text.encode())


def always_counting(app: Any) -> Any:
    """Usage is asked for in every stream, and kept from clients who did not ask."""

    def unasked(asked: Asked) -> bool:
        readable = not any(scripted(word)(asked) for word in ('"gzip"', '"newline"', '"split"'))
        return readable and is_chat(asked) and asked.streams and "stream_options" not in asked.object

    def without(piece: bytes) -> bytes:
        plain = piece.replace(b" ", b"")
        return (
            b"" if b'"choices":[]' in plain and b'"prompt_tokens"' in plain else piece.replace(b'"usage": null, ', b"")
        )

    return event(without, unasked)(asked_as(put("stream_options", {"include_usage": True}), unasked)(app))


def of_its_own(body: dict[str, Any]) -> None:
    body |= {"store": False, "metadata": {"team": "a"}} | ({} if "user" in body else {"user": "u-1"})


def under_the_older_name(body: dict[str, Any]) -> None:
    if "max_completion_tokens" in body:
        body["max_tokens"] = body.pop("max_completion_tokens")


def with_a_prompt(body: dict[str, Any]) -> None:
    if "messages" in body:
        body["messages"].insert(0, PROMPT)


def with_another_user(body: dict[str, Any]) -> None:
    if "user" in body:
        body["user"] = "u-7f3a"


def hidden(asked: Asked, answer: Answer) -> Answer:
    envelope = {"message": "The model is not available.", "type": "api_error", "param": None, "code": "unavailable"}
    return replace(answer, status=503).with_json({"error": envelope})


def traced(asked: Asked) -> Asked:
    more = {"x-request-id": "req-7", "x-forwarded-for": "192.0.2.7", "user-agent": "a-gateway/7", "via": "1.1 gw"}
    for name, value in more.items():
        asked = asked.with_header(name, value)
    return asked


def failures(edit: Any) -> Wrap:
    """The gateway's own words for what its provider did."""
    codes = ("upstream_error", "upstream_auth_error", "upstream_unavailable", "upstream_invalid_response")

    def of(code: str) -> Wrap:
        return lambda app: changed(app, own_error(code, edit), streams=lambda asked: False)

    return chained(*map(of, codes))


def variation(name: str, *, front: Wrap = nothing, behind: Wrap = nothing, warns: str = "") -> Fault:
    """As a defect that breaks nothing, so that it is judged as one is."""
    may = tuple(warns.split())
    return Fault(f"{name} (before a provider)", "harmless", "nothing", (), "", wrap=front, behind=behind, may=may)


VARIATIONS = (
    variation("requests-written-anew", behind=lambda app: before(app, written_anew)),
    variation("usage-always-asked-for", behind=always_counting),
    variation("fields-of-its-own", behind=asked_as(of_its_own)),
    variation("cap-under-the-older-name", behind=asked_as(under_the_older_name)),
    variation("a-prompt-of-its-own", behind=asked_as(with_a_prompt, scripted()), warns="UPS-013"),
    variation("another-user", behind=asked_as(with_another_user, scripted()), warns="UPS-023"),
    variation("headers-of-its-own", behind=lambda app: before(app, traced)),
    variation("asking-three-times", behind=asked_again(3)),
    variation("asking-elsewhere-first", behind=asked_again(2, '"other"', elsewhere=True)),
    variation("failures-in-its-own-words", front=failures(hidden)),
    variation(
        "waits-of-its-own", front=header("retry-after", "5", lambda asked, x: scripted()(asked) and x.status == 429)
    ),
)
