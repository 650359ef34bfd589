"""Each requirement of SEC is seen to be broken where it is, and nothing else is."""

import asyncio
import base64
import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote

import pytest

from conformance.suites import test_sec
from conformance.verdict import Verdict

from . import defects
from .defects import Answer, Asked, before, error
from .judged import KEY, altered, gateway_app, judge, judge_url, red_verdicts
from .refusals import (
    AREAS,
    FAIL,
    POSTS,
    WARN,
    Defect,
    answering,
    edited,
    having,
    messages_of,
    posted,
    taking,
    verdicts,
    with_answers,
    with_errors,
)

MODEL = "gpt-4o-mini"
NEMO = "/apis/inference-gateway/v2/workspaces/default/openai/-/v1"


def headed(name: str, value: Callable[[Asked], str], when: Callable[[Asked, Answer], object] | None = None) -> Defect:
    """Answers carry this header, where it has a value."""

    def edit(asked: Asked, answer: Answer) -> Answer | None:
        text = value(asked) if when is None or when(asked, answer) else ""
        return answer.with_header(name, text.encode("ascii", "replace").decode()) if text else None

    return with_answers(edit)


def read_as(change: Callable[[str], str], when: Callable[[Asked], object] = lambda asked: True) -> Defect:
    """Names of models are changed so before they are looked up."""

    def act(asked: Asked) -> Asked | None:
        model = asked.object.get("model")
        if not (posted(asked) and isinstance(model, str) and asked.body.count(b'"model"') == 1 and when(asked)):
            return None
        return edited(asked, model=change(model)) if change(model) != model else None

    return taking(act)


def own(asked: Asked) -> bool:
    return asked.header("authorization") == f"Bearer {KEY}"


def calling(text: str) -> Defect:
    """Answers to the right key say this of the caller."""
    return headed("x-caller", lambda asked: text if own(asked) else "")


def prompt(asked: Asked) -> str:
    messages = messages_of(asked)
    last = messages[-1] if isinstance(messages, list) and messages else None
    text = last.get("content") if isinstance(last, dict) else None
    return re.sub(r"[^ -~]+", " ", text)[:200] if isinstance(text, str) else ""


def user_of(asked: Asked) -> str:
    return str(asked.object.get("user") or "")


def in_base_64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def leaking(words: str) -> Defect:
    return with_errors(having(message=f"provider said: {words}"))


DEFECTS: dict[str, tuple[Defect, dict[str, Verdict]]] = {
    "the key in a header": (calling(KEY), {"SEC-001": FAIL}),
    "the Authorization header on streams": (
        headed("x-auth", lambda asked: asked.header("authorization") or "", lambda asked, answer: answer.is_stream),
        {"SEC-001": FAIL},
    ),
    "the key in base64": (
        headed("x-caller", lambda asked: in_base_64(f"user:{KEY}") if own(asked) else ""),
        {"SEC-001": FAIL},
    ),
    "the key in hexadecimal": (
        headed("x-caller", lambda asked: KEY.encode().hex() if own(asked) else ""),
        {"SEC-001": FAIL},
    ),
    "the key backwards": (headed("x-caller", lambda asked: KEY[::-1] if own(asked) else ""), {"SEC-001": FAIL}),
    "the key in capitals": (headed("x-caller", lambda asked: KEY.upper() if own(asked) else ""), {"SEC-001": FAIL}),
    "the key percent-encoded": (
        calling("".join(f"%{byte:02X}" for byte in KEY.encode())),
        {"SEC-001": FAIL},
    ),
    "the key in errors": (
        with_answers(
            lambda asked, answer: (
                having(message=f"not for {KEY}")(answer) if answer.status == 404 and own(asked) else None
            )
        ),
        {"SEC-001": FAIL},
    ),
    "the key beside the list": (
        with_answers(
            lambda asked, answer: (
                answer.with_json(answer.json | {"caller": KEY})
                if asked.path == "/v1/models" and answer.status == 200 and asked.method == "GET"
                else None
            )
        ),
        {"SEC-001": FAIL},
    ),
    "a provider's key": (leaking("Incorrect API key provided: sk-proj-4fT9aQ81zLmW0xYbC3dE"), {"SEC-001": FAIL}),
    "a provider's token": (leaking("Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc"), {"SEC-001": FAIL}),
    "a key of a model": (
        with_answers(
            lambda asked, answer: (
                answer.with_json(answer.json | {"litellm_params": {"api_key": "nvapi-77aa88bb99cc"}})
                if asked.path.startswith("/v1/models/") and answer.status == 200
                else None
            )
        ),
        {"SEC-001": FAIL},
    ),
    "the user is written into a header": (
        headed("x-gateproof-injected", lambda asked: "1" if "\n" in user_of(asked) and asked.streams else ""),
        {"SEC-002": FAIL},
    ),
    "the path is written into a header": (
        headed("x-gateproof-injected", lambda asked: "1" if "\r\n" in asked.path else ""),
        {"SEC-002": FAIL},
    ),
    "a user with a line break crashes": (answering(lambda asked: "\n" in user_of(asked), 500), {"SEC-002": FAIL}),
    "names are normalised": (
        read_as(lambda id: unicodedata.normalize("NFKC", id) if "\xa0" not in id else id),
        {"SEC-003": FAIL},
    ),
    "names are normalised for embeddings": (
        read_as(lambda id: unicodedata.normalize("NFKC", id), lambda asked: asked.path == POSTS[2]),
        {"SEC-003": FAIL},
    ),
    "names are normalised for streams": (
        read_as(lambda id: unicodedata.normalize("NFKC", id), lambda asked: asked.streams),
        {"SEC-003": FAIL},
    ),
    "invisible characters are dropped": (read_as(lambda id: re.sub("[\u200b\ufeff]", "", id)), {"SEC-003": FAIL}),
    "hyphens are put right": (read_as(lambda id: id.replace("\u2011", "-")), {"SEC-003": FAIL}),
    "look-alikes crash": (
        answering(
            lambda asked: not str(asked.object.get("model", "")).isascii() and "\xa0" not in asked.object["model"], 500
        ),
        {"SEC-003": FAIL},
    ),
    "case means nothing": (read_as(lambda id: id.lower() if id.lower() == MODEL else id), {"SEC-003": WARN}),
    "names are trimmed": (read_as(str.strip), {"SEC-004": WARN}),
    "names are trimmed in front": (read_as(lambda id: id.lstrip(" ")), {"SEC-004": WARN}),
    "names are trimmed of line feeds": (
        read_as(lambda id: id.rstrip("\n") if id.rstrip("\n") == MODEL else id),
        {"SEC-004": WARN},
    ),
    "names are trimmed for embeddings": (read_as(str.strip, lambda asked: asked.path == POSTS[2]), {"SEC-004": WARN}),
    "names are trimmed for streams": (read_as(str.strip, lambda asked: asked.streams), {"SEC-004": WARN}),
    "a blank crashes": (
        answering(lambda asked: str(asked.object.get("model", "")).endswith(" "), 500),
        {"SEC-004": FAIL},
    ),
    "files are read": (
        answering(
            lambda asked: b"file:///etc" in asked.body, error(400, "cannot identify image", code="invalid_image")
        ),
        {"SEC-006": WARN},
    ),
    "file URLs are fine": (
        taking(
            lambda asked: (
                edited(asked, messages=[{"role": "user", "content": "hi"}]) if b"file:///" in asked.body else None
            )
        ),
        {"SEC-006": WARN},
    ),
    "an unknown host is an error of the gateway": (
        answering(lambda asked: b"gateproof.invalid/x.png" in asked.body, 502),
        {"SEC-006": WARN},
    ),
    "a forwarded host is in a redirect": (
        answering(
            lambda asked: asked.path == "/v1/models/" and asked.header("x-forwarded-host"),
            error(307).with_header("location", "https://gateproof.invalid/v1/models"),
        ),
        {"SEC-008": WARN},
    ),
    "the host is in an error": (
        with_answers(
            lambda asked, answer: (
                having(message=f"nothing at {asked.header('host')}")(answer)
                if asked.header("host") == "gateproof.invalid" and answer.status == 404
                else None
            )
        ),
        {"SEC-008": WARN},
    ),
    "a forwarded user sees another list": (
        with_answers(
            lambda asked, answer: (
                answer.with_json(answer.json | {"data": answer.json["data"][:1]})
                if asked.header("x-forwarded-user") and asked.path == "/v1/models" and answer.status == 200
                else None
            )
        ),
        {"SEC-008": WARN},
    ),
    "a forwarded address is refused": (
        answering(lambda asked: asked.header("x-forwarded-for") == "203.0.113.9", 403),
        {"SEC-008": WARN},
    ),
    "the prompt in a header": (headed("x-prompt", prompt), {"SEC-009": FAIL}),
    "the prompt's end in a header": (headed("x-prompt", lambda asked: prompt(asked)[-16:]), {"SEC-009": FAIL}),
    "the prompt in a header of streams": (
        headed("x-prompt", prompt, lambda asked, answer: answer.is_stream),
        {"SEC-009": FAIL},
    ),
    "the prompt in a header of errors": (
        headed("x-prompt", prompt, lambda asked, answer: answer.status >= 400),
        {"SEC-009": FAIL},
    ),
    "the prompt percent-encoded": (headed("x-prompt", lambda asked: quote(prompt(asked))), {"SEC-009": FAIL}),
    "the prompt in base64": (headed("x-prompt", lambda asked: in_base_64(prompt(asked))), {"SEC-009": FAIL}),
    "the input of embeddings in a header": (
        headed("x-input", lambda asked: str(asked.object.get("input", ""))[:300] if asked.path == POSTS[2] else ""),
        {"SEC-009": FAIL},
    ),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_the_defect_is_seen_and_nothing_else(name: str) -> None:
    defect, expected = DEFECTS[name]
    assert verdicts(defect(gateway_app())) == expected


def test_where_every_unknown_model_is_a_crash_nothing_is_said_of_look_alikes_and_odd_paths() -> None:
    """As MLflow's gateway and lm-proxy do."""
    crashing = with_answers(lambda asked, answer: error(500) if answer.status == 404 and posted(asked) else None)
    ids = ("ERR-011", "ERR-022", "ERR-033", "ERR-034", "SEC-003", "SEC-004")
    judged = {id: said.verdict for id, said in judge(crashing(gateway_app()), *ids).items()}
    unsaid = {"SEC-003": Verdict.INCONCLUSIVE, "SEC-004": Verdict.INCONCLUSIVE}
    assert judged == dict.fromkeys(ids, Verdict.PASS) | {"ERR-011": FAIL} | unsaid


def test_another_tenants_models_are_out_of_reach() -> None:
    def reaching(asked: Asked) -> Asked | None:
        there = asked.path.replace("/workspaces/empty/", "/workspaces/default/")
        return replace(asked, path=there) if asked.streams and there != asked.path else None

    options = {"profile": "nemo", "path": NEMO, "empty_workspace": "empty"}
    assert verdicts(gateway_app(), "SEC", **options) == {}
    assert verdicts(before(gateway_app(), reaching), "SEC", **options) == {"SEC-007": FAIL}


def test_slow_images_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(test_sec, "PATIENCE_S", 0.3)

    async def slowly(asked: Asked) -> None:
        if b"gateproof.invalid/x.png" in asked.body:
            await asyncio.sleep(0.8)

    assert verdicts(before(gateway_app(), slowly), "SEC-006") == {"SEC-006": WARN}


def test_an_injected_header_is_seen_on_the_wire() -> None:
    def edit(asked: bytes, answered: bytes) -> bytes:
        injected = b'"user": "gateproof\\r\\nX-Gateproof' in asked
        return answered.replace(b"\r\n", b"\r\nX-Gateproof-Injected: 1\r\n", 1) if injected else answered

    with altered(gateway_app(), edit) as url:
        assert red_verdicts(judge_url(f"{url}/v1", "SEC-002")) == {"SEC-002": FAIL}


@pytest.mark.parametrize("kind", [b"transfer-encoding: chunked", b"content-length: "])
def test_ambiguous_lengths_are_seen(kind: bytes) -> None:
    """A proxy that passes a request on with one of two lengths, whichever fits."""

    def edit(asked: bytes, answered: bytes) -> bytes:
        ambiguous = asked.lower().count(b"content-length") + asked.lower().count(b"transfer-encoding") > 1
        if ambiguous and kind in asked.lower():
            body = json.dumps({"error": {"message": "no", "type": "invalid_request_error"}}).encode()
            return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
                len(body),
                body,
            )
        return answered

    with altered(gateway_app(), edit) as url:
        assert red_verdicts(judge_url(f"{url}/v1", "SEC-005")) == {"SEC-005": WARN}


HARMLESS: dict[str, Defect] = {
    "metrics are open": defects.answering(
        lambda asked: asked.path == "/metrics",
        Answer(200, ((b"content-type", b"text/plain"),), b'requests{key_hash="88dc28d0f030c55e",key="sk-...4XyZ"} 3'),
    ),
    "headers of a network in front": headed(
        "report-to",
        lambda asked: '{"endpoints":[{"url":"https://a.nel.example/report?s=eyJhbGciOiJIUzI1NiJ9abcdefghij"}]}',
    ),
    "the model in a header": headed(
        "x-model", lambda asked: quote(str(asked.object.get("model", ""))[:200], safe="/") if asked.object else ""
    ),
    "a short word of the prompt": headed("x-first-word", lambda asked: prompt(asked)[:8].strip()),
    "a masked key in errors": with_answers(
        lambda asked, answer: (
            having(message="Incorrect API key provided: sk-judge****cdef.")(answer) if answer.status == 401 else None
        )
    ),
    "documentation in errors": leaking(
        "use an api_key such as sk-your-key-goes-here-0000 or sk-xxxxxxxxxxxxxxxxxxxxxxxx"
    ),
    "tokens of a tokenizer": with_answers(
        lambda asked, answer: (
            answer.with_json(answer.json | {"tokenizer": {"bos_token": "<|begin_of_text|>", "password": "********"}})
            if asked.path.startswith("/v1/models/") and answer.status == 200
            else None
        )
    ),
    "another Host is misdirected": answering(lambda asked: asked.header("host") == "gateproof.invalid", 421),
    "another Host is nowhere": answering(lambda asked: asked.header("host") == "gateproof.invalid", 503),
    "look-alikes are forbidden": answering(lambda asked: not str(asked.object.get("model", "")).isascii(), 403),
    "a trailing slash is redirected to the plain path": answering(
        lambda asked: asked.path == "/v1/models/", error(307).with_header("location", "/v1/models")
    ),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_variation_is_no_defect(name: str) -> None:
    assert verdicts(HARMLESS[name](gateway_app()), *AREAS) == {}


def test_where_any_model_is_served_nothing_is_said_of_look_alikes() -> None:
    anything = read_as(lambda id: MODEL)
    assert verdicts(anything(gateway_app()), "SEC") == {}
