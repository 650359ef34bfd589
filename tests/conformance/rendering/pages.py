"""Report documents for the tests of the page: whole runs, built by the real report from exchanges that are made up."""

import json
from typing import Any

from conformance import catalogue, profiles
from conformance.exchange import Blame, Exchange, Request, Response
from conformance.reporting import report
from conformance.reporting.report import Judgement
from conformance.sending.gateway import Facts
from conformance.sending.recording import Recording
from conformance.target import Target
from conformance.verdict import Verdict

KEY = "sk-rendering-0001"
TARGET = Target("http://gateway.test/v1", api_key=KEY)
HEADERS = (("Accept", "application/json"), ("Content-Type", "application/json"), ("Authorization", f"Bearer {KEY}"))
EVENTS = 40


def chat(id: str, status: int = 200, said: str = "OK", **fields: Any) -> Exchange:
    """A plain chat."""
    body = {"model": "m", "messages": [{"role": "user", "content": "Say OK."}]} | fields
    request = Request("POST", f"{TARGET.base_url}/chat/completions", HEADERS, json.dumps(body).encode())
    answer = json.dumps({"choices": [{"message": {"role": "assistant", "content": said}}]}).encode()
    response = Response(status, (("content-type", "application/json"),), ((0.2, answer),), headers_s=0.1)
    return Exchange(id, f"chat[{id}]", request, response, duration_s=0.25)


def stream(id: str, events: int = EVENTS) -> Exchange:
    """A streamed chat, an event every 10 ms, the last of them after a second of silence."""
    asked = chat(id, stream=True).request
    chunk = '{"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"%d"}}]}'
    reads = [(0.1 + n / 100, f"data: {chunk % n}\n\n".encode()) for n in range(events - 1)]
    reads.append((reads[-1][0] + 1 if reads else 1.0, b"data: [DONE]\n\n"))
    response = Response(200, (("content-type", "text/event-stream"),), tuple(reads), headers_s=0.05)
    return Exchange(id, f"chat_stream[{id}]", asked, response, duration_s=reads[-1][0] + 0.01)


def judged(id: str, verdict: Verdict, message: str = "", *evidence: str) -> Judgement:
    blame = Blame.GATEWAY if verdict in (Verdict.FAIL, Verdict.WARN, Verdict.UNTESTABLE) else None
    return Judgement(id, verdict, message, evidence, f"suites/test_x.py::test_of_{id}", blame)


def built(judgements: list[Judgement], exchanges: list[Exchange]) -> dict[str, Any]:
    recording = Recording(Facts(model="m", model_chosen="listed"), exchanges, started_at=1_760_000_000)
    return report.build(judgements, recording, TARGET, profiles.profile("openai"), duration_s=4.2)


def mixed() -> dict[str, Any]:
    """A run in which there is every verdict."""
    found = [
        judged("CHAT-018", Verdict.FAIL, "usage does not add up: 3 + 4 is not 9", "x1"),
        judged("STREAM-048", Verdict.WARN, "the first text came late", "x2"),
        judged("STREAM-001", Verdict.FAIL, "an event with <b>markup</b>", "x2", "x1"),
        judged("EMB-001", Verdict.UNTESTABLE, "embeddings were to succeed, the answer is HTTP 500", "x3"),
        judged("LIST-003", Verdict.STALE, "it is kept", "x1"),
        judged("LIST-004", Verdict.KNOWN, "as the profile says", "x1"),
        judged("CHAT-020", Verdict.INCONCLUSIVE, "the model called no tool", "x1"),
        judged("CHAT-080", Verdict.NOT_APPLICABLE, "the feature is not claimed"),
        judged("HDR-001", Verdict.ERROR, "KeyError: 'x'", "x1"),
        judged("LIST-001", Verdict.PASS, "", "x1"),
        judged("AUTH-001", Verdict.PASS, "", "x1"),
    ]
    return built(found, [chat("x1"), stream("x2"), chat("x3", 500)])


def kept() -> dict[str, Any]:
    """A run in which everything is kept."""
    ids = [id for id in catalogue.requirements() if id.startswith(("LIST", "CHAT"))]
    return built([judged(id, Verdict.PASS, "", "x1") for id in ids], [chat("x1")])


def broken(text: str = "all is broken ", length: int = 4000) -> dict[str, Any]:
    """A run in which every requirement of the catalogue is broken, with three exchanges of its own."""
    said = (text * length)[:length]
    judgements, exchanges = [], []
    for number, id in enumerate(catalogue.requirements()):
        names = [f"x{number}.{n}" for n in range(3)]
        exchanges += [stream(names[0]), chat(names[1], 500, said), chat(names[2], 200, said, user=said[:400])]
        judgements.append(judged(id, Verdict.FAIL, said[:2000], *names))
    return built(judgements, exchanges)


ENUMERATED = frozenset({"verdict", "level", "blame", "claimed", "observed", "state", "model_chosen"})


def poisoned(value: Any, text: str, name: str = "") -> Any:
    """The same document with `text` in every string and every name that may be anything."""
    if isinstance(value, dict):
        free = name in ("tests", "features", "observed")
        named = {f"{key}{text}" if free else key: poisoned(item, text, key) for key, item in value.items()}
        return named if name != "tests" else {key: item.removesuffix(text) for key, item in named.items()}
    if isinstance(value, list):
        return [poisoned(item, text, name) for item in value]
    return value + text if isinstance(value, str) and name not in ENUMERATED else value
