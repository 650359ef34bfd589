"""What a gateway says does nothing where it is shown, however long it is; and who is to blame is told."""

import html
import json
from typing import Any

import pytest

import schemas
from conformance import profiles, rendering
from conformance.exchange import Blame, Exchange, Failure, Request, Response, Unusable
from conformance.judging.outcome import blamed
from conformance.redact import Redactor
from conformance.reporting import report, reproduction, terminal
from conformance.reporting.report import Judgement
from conformance.sending.gateway import Facts
from conformance.sending.recording import Recording, Result
from conformance.target import Target
from conformance.verdict import Broken, Inconclusive, Verdict

POISON = "\x1b[2J\x9b31m\u202e\ud800<script>alert(1)</script>"
LONG = 2_000_000
TARGET = Target("http://h/v1", api_key="sk-0123456789")


def poisoned() -> Exchange:
    headers = (("x-\x1bodd", POISON), ("x-long", "l" * LONG), *[("x-many", "m")] * 1000)
    body = (POISON * 10 + "b" * LONG).encode("utf-8", "surrogatepass")
    request = Request("POST", "http://h/v1/" + POISON, (("X-Id", POISON),), POISON.encode("utf-8", "surrogatepass"))
    return Exchange("x1", f"probe[{POISON}]", request, Response(500, headers, ((0.1, body),)))


def built(*judgements: Judgement, model: str = POISON) -> dict[str, Any]:
    recording = Recording(Facts(model=model, model_chosen="listed"), [poisoned()])
    return report.build(list(judgements), recording, TARGET, profiles.profile("openai"), duration_s=1.0)


def is_harmless(text: str) -> bool:
    return all(c.isprintable() or c in "\n\t" for c in text)


@pytest.fixture
def document() -> dict[str, Any]:
    said = Judgement("CHAT-001", Verdict.FAIL, POISON, ("x1",), "t", Blame.GATEWAY)
    return built(said, Judgement("LIST-001", Verdict.ERROR, POISON, ("x1",), "u", Blame.SUITE))


def test_a_report_is_valid_harmless_and_bounded(document: dict[str, Any]) -> None:
    text = report.text(document)
    assert schemas.violations("report", json.loads(text)) == []
    assert is_harmless(text)
    assert "<script" not in text
    assert "\\u003cscript" in text
    assert len(text) < 200_000


def test_a_terminal_is_not_commanded(document: dict[str, Any]) -> None:
    text = "\n".join(terminal.lines(document))
    assert is_harmless(text)
    assert len(text) < 20_000


def test_a_transcript_is_harmless_and_bounded() -> None:
    text = report.transcript(poisoned(), Redactor([]))
    assert is_harmless(text)
    assert len(text) < 100_000


def test_a_curl_line_is_bounded() -> None:
    long = Exchange("x1", "p", Request("GET", "http://h/" + "u" * LONG, (("X", "y" * LONG),)))
    assert len(reproduction.curl(long, TARGET)) < 10_000


# Blame


def failed(kind: str) -> Exchange:
    return Exchange("x1", "p", Request("GET", "u"), failure=Failure(kind, "it went wrong"))


REFUSED, CUT, CLOSED = failed("connect"), failed("too-large"), failed("closed")
SERVED = Exchange("x", "p", Request("GET", "u"), Response(200, ()))


@pytest.mark.parametrize(
    ("verdict", "error", "looked_at", "blame"),
    [
        (Verdict.PASS, None, (), None),
        (Verdict.NOT_APPLICABLE, None, (), None),
        (Verdict.ERROR, KeyError("x"), (), Blame.SUITE),
        (Verdict.INCONCLUSIVE, Inconclusive("no call"), (SERVED,), Blame.MODEL),
        (Verdict.INCONCLUSIVE, Inconclusive("no call"), (SERVED, CLOSED), Blame.GATEWAY),
        (Verdict.INCONCLUSIVE, Inconclusive("no call"), (REFUSED,), Blame.NETWORK),
        (Verdict.INCONCLUSIVE, Inconclusive("no key", blame=None), (SERVED,), None),
        (Verdict.INCONCLUSIVE, Inconclusive("no key", blame=None), (CLOSED,), Blame.GATEWAY),
        (Verdict.FAIL, Broken("no answer", (CLOSED,)), (), Blame.GATEWAY),
        (Verdict.FAIL, Broken("no answer", (REFUSED,)), (), Blame.NETWORK),
        (Verdict.FAIL, Broken("no answer", (REFUSED, CLOSED)), (), Blame.GATEWAY),
        (Verdict.WARN, Broken("cut", (CUT,)), (), Blame.SUITE),
        (Verdict.FAIL, AssertionError("x"), (), Blame.GATEWAY),
        (Verdict.UNTESTABLE, Unusable("not sent", blame=Blame.SUITE), (), Blame.SUITE),
        (Verdict.UNTESTABLE, Unusable("no choices"), (), Blame.GATEWAY),
    ],
)
def test_who_is_to_blame(
    verdict: Verdict, error: Exception | None, looked_at: tuple[Exchange, ...], blame: Blame | None
) -> None:
    assert blamed(verdict, error, looked_at) is blame


def test_only_another_than_the_gateway_is_named_on_a_terminal() -> None:
    words = dict.fromkeys(Blame, "")
    for blame in words:
        made = built(Judgement("CHAT-001", Verdict.FAIL, "seen so", (), "t", blame), model="m")
        assert made["requirements"][0]["blame"] == blame
        words[blame] = next(line for line in terminal.lines(made) if "seen so" in line)
    assert words.pop(Blame.GATEWAY).endswith("seen so")
    assert all("[not the gateway: " in line for line in words.values())


def test_whose_doing_it_is_is_counted_in_text_markdown_and_on_the_page() -> None:
    told = [(Verdict.FAIL, Blame.GATEWAY), (Verdict.INCONCLUSIVE, Blame.MODEL), (Verdict.INCONCLUSIVE, None)]
    said = [Judgement(f"CHAT-00{n}", verdict, "so", (), "t", who) for n, (verdict, who) in enumerate(told, 1)]
    document = built(*said, Judgement("CHAT-004", Verdict.PASS, "", (), "t"), model="m")
    whose = "1 the gateway's, 1 of the model behind it, 1 nobody's for sure"
    shown = ["\n".join(terminal.lines(document)), *(rendering.render(name, document) for name in ("markdown", "page"))]
    assert all(whose in html.unescape(text) for text in shown)


def test_what_has_one_reason_is_told_once() -> None:
    ids = [f"CHAT-{number:03}" for number in range(1, 8)]
    made = built(*(Judgement(id, Verdict.UNTESTABLE, "it has gone", (), "t", Blame.NETWORK) for id in ids), model="m")
    text = "\n".join(terminal.lines(made))
    assert text.count("it has gone") == 1
    assert "7 requirements" in text
    assert all(id in text for id in ids)


def test_blame_is_kept_in_a_recording() -> None:
    recording = Recording(results={"a": Result(unusable="x", blame=Blame.SUITE), "b": Result(unusable="y")})
    again = Recording.from_record(json.loads(json.dumps(recording.to_record())))
    assert [result.blame for result in again.results.values()] == [Blame.SUITE, Blame.GATEWAY]
