"""Each check of what a prompt is made of fires on its defect alone: a part that is refused, lost, cut or mixed up."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from starlette.types import ASGIApp

from conformance.verdict import Verdict

from ..defects import Answer, Asked, before, changed, error
from ..edits import (
    Edit,
    Wrap,
    answered,
    asked_as,
    asks,
    drop,
    is_chat,
    judge_with,
    plain,
    plainly,
    put,
    reply,
    streamed,
)
from ..judged import red

FAIL, WARN = Verdict.FAIL, Verdict.WARN
AREAS = ("LIST", "MODEL", "CHAT", "STREAM")
refused, crashed = error(400, "not supported"), error(500)


# Which requests


def messages(asked: Asked) -> list[Any]:
    found = asked.object.get("messages")
    return [message for message in found if isinstance(message, dict)] if isinstance(found, list) else []


def contents(asked: Asked) -> list[Any]:
    return [message["content"] for message in messages(asked) if "content" in message]


def parts(asked: Asked) -> list[Any]:
    return [part for content in contents(asked) if isinstance(content, list) for part in content]


def images(asked: Asked) -> list[dict[str, Any]]:
    return [part for part in parts(asked) if isinstance(part, dict) and isinstance(part.get("image_url"), dict)]


def has_role(*roles: str) -> Callable[[Asked], bool]:
    return lambda asked: any(message.get("role") in roles for message in messages(asked))


def has_part(fits: Callable[[Any], bool]) -> Callable[[Asked], bool]:
    return lambda asked: any(map(fits, parts(asked)))


def image_is(fits: Callable[[str], bool]) -> Callable[[Asked], bool]:
    return lambda asked: any(fits(part["image_url"].get("url", "")) for part in images(asked))


def has_image(asked: Asked) -> bool:
    return bool(images(asked))


def is_png(url: str) -> bool:
    return url.startswith("data:image/png;base64,iVBOR")


def is_large(asked: Asked) -> bool:
    return len(asked.body) > 50_000


def is_long(asked: Asked) -> bool:
    return len(messages(asked)) > 10


def has_three_parts(asked: Asked) -> bool:
    return len(parts(asked)) == 3


def is_one_text_part(asked: Asked) -> bool:
    return [isinstance(part, dict) and part.get("type") for part in parts(asked)] == ["text"]


# What becomes of them


def kept(fits: Callable[[Any], bool]) -> Edit:
    """Only these messages are handed on."""
    return put("messages", lambda found: [message for message in found if fits(message)])


def role(name: str) -> Callable[[Any], bool]:
    return lambda message: message.get("role") == name


def without(name: str) -> Edit:
    return kept(lambda message: not role(name)(message))


def of_parts(edit: Callable[[list[Any]], Any]) -> Edit:
    return put("messages[].content", lambda content: edit(content) if isinstance(content, list) else content)


def words(text: Any, most: int) -> Any:
    return " ".join(text.split(" ")[:most]) if isinstance(text, str) else text


def cut_to(most: int) -> Edit:
    return put("messages[].content", lambda content: words(content, most))


def said(text: str) -> Edit:
    return put("messages", [{"role": "user", "content": text}])


def is_text(asked: Asked) -> bool:
    """Requests for a text that is not compared with another: what is sent back or streamed, too, is left out."""
    others = ("tools", "stop", "response_format", "logprobs", "n", "seed")
    return not (any(key in asked.object for key in others) or 5 in asked.object.values() or plainly(asked))


def texts(edit: Callable[[str], Any], where: Callable[[Asked], bool] = is_text) -> Wrap:
    return reply(put("choices[].message.content", edit), where)


def in_escapes(app: ASGIApp) -> ASGIApp:
    """Of each character beyond the basic plane the first half is sent, as an escape."""

    def edit(asked: Asked, answer: Answer) -> Answer:
        if not (is_chat(asked) and answer.status == 200 and is_text(asked)) or answer.is_stream:
            return answer
        document = answer.json
        for each in document["choices"]:
            each["message"]["content"] += " \ud83d"
        return answer.with_json(document)

    return changed(app, edit)


def mixed_up(app: ASGIApp) -> ASGIApp:
    """The body that came last is taken for that of every request that is being read."""
    last: dict[str, bytes] = {}

    async def act(asked: Asked) -> Asked | None:
        if not is_chat(asked) or asked.streams or len(messages(asked)) != 1 or "apple" not in str(contents(asked)):
            return None
        last["body"] = asked.body
        await asyncio.sleep(0.05)
        return replace(asked, body=last["body"])

    return before(app, act)


def under_another_name(app: ASGIApp) -> ASGIApp:
    """An answer names the model of the request that came last."""
    state: dict[str, Any] = {"flying": 0}

    async def act(asked: Asked) -> None:
        if is_chat(asked) and not asked.streams and asked.object.get("model") in ("gpt-4o-mini", "gpt-4o"):
            state["last"] = asked.object["model"]
            await asyncio.sleep(0.4 if "apple" in str(contents(asked)) else 0)

    def edit(asked: Asked, answer: Answer) -> Answer:
        if not is_chat(asked) or answer.status != 200 or answer.is_stream or len(asked.object) != 3:
            return answer
        return answer.with_json(answer.json | {"model": state.get("last")})

    return before(changed(app, edit), act)


DEFECTS: dict[str, tuple[Wrap, dict[str, Verdict]]] = {
    "an image that crashes": (answered(has_image, crashed), {"CHAT-062": FAIL}),
    "a tiny image that crashes": (answered(image_is(lambda url: 60 < len(url) < 125), crashed), {"CHAT-062": FAIL}),
    "images dropped": (asked_as(of_parts(lambda found: found[:1]), image_is(is_png)), {"CHAT-109": WARN}),
    "broken images dropped": (
        asked_as(of_parts(lambda found: found[:1]), image_is(lambda url: "@" in url)),
        {"CHAT-110": WARN},
    ),
    "an image without URL that crashes": (answered(image_is(lambda url: not url), crashed), {"CHAT-110": FAIL}),
    "parts of unknown types dropped": (
        asked_as(of_parts(lambda found: found[:1]), has_part(lambda part: "banana" in str(part))),
        {"CHAT-063": WARN},
    ),
    "parts without a type": (
        asked_as(of_parts(lambda found: "Hi"), has_part(lambda part: isinstance(part, dict) and "type" not in part)),
        {"CHAT-063": WARN},
    ),
    "parts that are numbers crash": (answered(has_part(lambda part: part == 5), crashed), {"CHAT-063": FAIL}),
    "no parts": (asked_as(of_parts(lambda found: "Hi"), lambda asked: [] in contents(asked)), {"CHAT-063": WARN}),
    "developers refused": (answered(has_role("developer"), refused), {"CHAT-065": WARN}),
    "developers crash": (answered(has_role("developer"), crashed), {"CHAT-065": FAIL}),
    "developers dropped": (asked_as(without("developer"), has_role("developer")), {"CHAT-103": FAIL}),
    "unknown roles dropped": (asked_as(without("banana"), has_role("banana")), {"CHAT-066": WARN}),
    "unknown roles crash": (answered(has_role("banana"), crashed), {"CHAT-066": FAIL}),
    "names refused": (
        answered(lambda asked: any("name" in message for message in messages(asked)), refused),
        {"CHAT-067": WARN},
    ),
    "a large prompt crashes": (answered(is_large, crashed), {"CHAT-078": FAIL}),
    "a large prompt is not found": (answered(is_large, error(404)), {"CHAT-078": FAIL}),
    "a large prompt is cut": (asked_as(cut_to(4000), is_large), {"CHAT-079": FAIL}),
    "a large prompt is refused in other words": (answered(is_large, refused), {"CHAT-080": WARN}),
    "a large prompt is refused with 422": (
        answered(is_large, error(422, code="context_length_exceeded")),
        {"CHAT-080": WARN},
    ),
    "requests mixed up": (mixed_up, {"CHAT-083": FAIL}),
    "models mixed up": (under_another_name, {"CHAT-083": FAIL, "CHAT-008": WARN}),
    "no content taken for none": (
        asked_as(put("messages[].content", "None"), lambda asked: {"role": "user"} in messages(asked)),
        {"CHAT-088": WARN},
    ),
    "content null taken for none": (
        asked_as(said("None"), lambda asked: messages(asked) == [{"role": "user", "content": None}]),
        {"CHAT-088": WARN},
    ),
    "content null crashes": (
        answered(lambda asked: messages(asked) == [{"role": "user", "content": None}], crashed),
        {"CHAT-088": FAIL},
    ),
    "system messages dropped": (asked_as(without("system"), has_role("system")), {"CHAT-100": FAIL}),
    "system messages dropped, streamed": (
        asked_as(without("system"), streamed(has_role("system"))),
        {"CHAT-100": FAIL},
    ),
    "earlier turns dropped": (asked_as(put("messages", lambda found: found[-3:]), is_long), {"CHAT-100": FAIL}),
    "one turn dropped": (asked_as(put("messages", lambda found: found[:1] + found[2:]), is_long), {"CHAT-100": FAIL}),
    "answers dropped": (
        asked_as(kept(lambda message: message.get("role") != "assistant"), plain(is_long)),
        {"CHAT-100": FAIL},
    ),
    "the last message alone": (asked_as(put("messages", lambda found: found[-1:]), is_long), {"CHAT-100": FAIL}),
    "messages cut": (asked_as(cut_to(10), is_long), {"CHAT-100": FAIL}),
    "later parts dropped": (asked_as(of_parts(lambda found: found[:1]), has_three_parts), {"CHAT-101": FAIL}),
    "the last part dropped": (asked_as(of_parts(lambda found: found[:-1]), has_three_parts), {"CHAT-101": FAIL}),
    "the first part dropped, streamed": (
        asked_as(of_parts(lambda found: found[1:]), streamed(has_three_parts)),
        {"CHAT-101": FAIL},
    ),
    "parts printed": (asked_as(of_parts(str), is_one_text_part), {"CHAT-102": WARN}),
    "no text, and tokens": (texts(lambda text: ""), {"CHAT-104": WARN}),
    "a text cut to its beginning": (texts(lambda text: text[:3]), {"CHAT-104": WARN}),
    "all texts twice": (texts(lambda text: text * 2), {"CHAT-105": FAIL}),
    "texts of one option twice": (texts(lambda text: f"{text} {text}", asks("presence_penalty")), {"CHAT-105": FAIL}),
    "half of each emoji": (in_escapes, {"CHAT-108": FAIL}),
    "characters replaced": (texts(lambda text: text[:5] + "\ufffd" + text[5:]), {"CHAT-108": FAIL}),
    "UTF-8 read as Latin-1": (texts(lambda text: text.encode().decode("latin-1") + "\xe6\x97\xa5"), {"CHAT-108": FAIL}),
    "parts of a system message refused": (
        answered(
            lambda asked: any(m.get("role") == "system" and isinstance(m["content"], list) for m in messages(asked)),
            refused,
        ),
        {"CHAT-111": WARN},
    ),
    "unknown fields of messages crash": (
        answered(lambda asked: any("x_conformance" in message for message in messages(asked)), crashed),
        {"CHAT-112": FAIL},
    ),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_seen_by_its_requirement_alone(name: str) -> None:
    wrap, expected = DEFECTS[name]
    judged = red(judge_with(wrap, *AREAS))
    assert {id: said.verdict for id, said in judged.items()} == expected, judged


def test_an_image_is_judged_where_vision_is_claimed_or_denied() -> None:
    def said(wrap: Wrap, **claims: Any) -> dict[str, Verdict]:
        judged = judge_with(wrap, "CHAT-061", "CHAT-062", "CHAT-109", **claims)
        return {id: found.verdict for id, found in judged.items()}

    def right(app: ASGIApp) -> ASGIApp:
        return app

    blind = answered(has_image, refused)
    passed, absent = Verdict.PASS, Verdict.NOT_APPLICABLE
    assert said(right) == {"CHAT-061": passed, "CHAT-062": passed, "CHAT-109": passed}
    assert said(blind) == {"CHAT-061": absent, "CHAT-062": passed, "CHAT-109": absent}
    assert said(blind, claimed=frozenset({"vision"})) == {"CHAT-061": FAIL, "CHAT-062": passed, "CHAT-109": absent}
    assert said(right, declined=frozenset({"vision"})) == {"CHAT-061": absent, "CHAT-062": WARN, "CHAT-109": absent}


# What is right


def default_system_prompt(app: ASGIApp) -> ASGIApp:
    """A prompt of the template's own stands where the client gives none."""

    def edit(asked: Asked, answer: Answer) -> Answer:
        if not is_chat(asked) or answer.status != 200 or answer.is_stream or has_role("system", "developer")(asked):
            return answer
        document = answer.json
        for key in ("prompt_tokens", "total_tokens"):
            document["usage"][key] += 60
        return answer.with_json(document)

    return changed(app, edit)


def by_characters(app: ASGIApp) -> ASGIApp:
    """Prompts cost a token for every four characters."""

    def edit(asked: Asked, answer: Answer) -> Answer:
        if not is_chat(asked) or answer.status != 200 or answer.is_stream:
            return answer
        length = sum(len(part["text"]) if isinstance(part, dict) and "text" in part else 400 for part in parts(asked))
        length += sum(len(content) for content in contents(asked) if isinstance(content, str))
        document = answer.json
        document["usage"]["prompt_tokens"] = 3 + length // 4
        document["usage"]["total_tokens"] = document["usage"]["prompt_tokens"] + document["usage"]["completion_tokens"]
        return answer.with_json(document)

    return changed(app, edit)


def one_model(asked: Asked) -> bool:
    return asked.object.get("model") not in (None, "gpt-4o-mini")


HARMLESS: dict[str, tuple[Wrap, set[str]]] = {
    "no vision": (answered(has_image, refused), set()),
    "no developers": (answered(has_role("developer"), refused), {"CHAT-065"}),
    "no text parts": (answered(lambda asked: bool(parts(asked)), refused), {"CHAT-052", "CHAT-060"}),
    "a small context": (
        answered(lambda asked: len(asked.body) > 2000, error(400, code="context_length_exceeded")),
        set(),
    ),
    "a limit of bytes": (answered(is_large, error(413)), set()),
    "a default system prompt": (default_system_prompt, {"STREAM-034"}),
    "prompts counted by characters": (by_characters, {"STREAM-034", "CHAT-076"}),
    "no usage": (reply(drop("usage")), {"CHAT-017"}),
    "one model for all": (asked_as(put("model", "gpt-4o-mini"), one_model), {"CHAT-008"}),
    "damage at the end of what was cut": (
        texts(lambda text: text + "\ufffd", lambda asked: asked.object.get("max_completion_tokens") in (8, 13)),
        set(),
    ),
    "ASCII alone": (texts(lambda text: text.encode("ascii", "replace").decode()), set()),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_right_turns_nothing_red(name: str) -> None:
    wrap, warned = HARMLESS[name]
    judged = red(judge_with(wrap, "CHAT"))
    assert {id for id, said in judged.items()} <= warned, judged
