"""Report documents for the renderers: one with every verdict, in which all that a gateway can say is hostile."""

from typing import Any

from conformance import profiles
from conformance.exchange import Blame, Exchange, Request, Response
from conformance.reporting import report
from conformance.reporting.report import Judgement
from conformance.sending.gateway import Facts
from conformance.sending.recording import Recording
from conformance.target import Target
from conformance.verdict import Verdict

POISON = (
    "<script>alert(1)</script><img src=x onerror=alert(1)></details></summary> @octocat #12 GH-7 www.evil.example "
    "https://evil.example/a?b|c [click](https://evil.example) ![x](//evil.example/x.png) `tick` ``` \n```\n~~~\n"
    "# heading\n| a | b |\n::error title=x::forged\n##[add-mask]x\n--> & \" ' {0} %0A \x1b[2J\u202e"
)
"""Whatever a gateway may say to be obeyed by who reads of it."""

VERDICTS = {
    "LIST-001": Verdict.FAIL,
    "LIST-002": Verdict.PASS,
    "CHAT-004": Verdict.WARN,
    "CHAT-018": Verdict.UNTESTABLE,
    "CHAT-001": Verdict.UNTESTABLE,
    "STREAM-001": Verdict.ERROR,
    "LIST-005": Verdict.INCONCLUSIVE,
    "LIST-006": Verdict.NOT_APPLICABLE,
    "ERR-008": Verdict.KNOWN,
    "HDR-001": Verdict.STALE,
}


def hostile() -> dict[str, Any]:
    """A document with each of the nine verdicts."""
    judgements = [
        Judgement(id, verdict, "" if verdict is Verdict.PASS else POISON, ("x1",), f"test_{id}", _blame(verdict))
        for id, verdict in VERDICTS.items()
    ]
    return built(judgements, POISON)


def passing() -> dict[str, Any]:
    return built([Judgement(id, Verdict.PASS, "", ("x1",), "t") for id in VERDICTS], "fine")


def failing(count: int, message: str, verdict: Verdict = Verdict.FAIL) -> dict[str, Any]:
    """A document with so many broken requirements, each with this message."""
    document = built([Judgement("LIST-001", verdict, message, ("x1",), "t", Blame.GATEWAY)], message)
    row = document["requirements"][0]
    document["requirements"] = [row | {"id": f"LIST-{number:03}"} for number in range(1, count + 1)]
    document["summary"][verdict.value] = count
    return document


def built(judgements: list[Judgement], said: str) -> dict[str, Any]:
    request = Request("POST", "http://h/v1/" + said, (("X-Said", said),), said.encode())
    response = Response(500, (("X-Said", said), ("X-Said", "again")), ((0.1, said.encode()),))
    recording = Recording(Facts(model=said, model_chosen="listed"), [Exchange("x1", said, request, response)])
    return report.build(judgements, recording, Target("http://h/v1"), profiles.profile("openai"), duration_s=1.0)


def _blame(verdict: Verdict) -> Blame | None:
    return Blame.SUITE if verdict is Verdict.ERROR else Blame.MODEL if verdict is Verdict.INCONCLUSIVE else None
