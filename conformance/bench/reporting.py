"""`make bench`: how long it takes to write the report of 500 requirements that all failed, each with as much evidence
as a report holds.

Prints the milliseconds and the size of each renderer, of report.json, and of the whole output folder put into place;
the median of some repetitions.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from conformance import catalogue, profiles, rendering
from conformance.exchange import Blame, Exchange, Request, Response
from conformance.reporting import report
from conformance.reporting.output import placed
from conformance.reporting.report import MAX_EVIDENCE, Judgement
from conformance.sending.gateway import Facts
from conformance.sending.recording import Recording
from conformance.target import Target
from conformance.verdict import Verdict

REQUIREMENTS = 500
REPETITIONS = 5
EVENTS = 40
"""Of the stream that each piece of evidence is."""
TARGET = Target("http://127.0.0.1:8000/v1", api_key="sk-bench-gateproof.key")


def main() -> int:
    document, took = _document()
    measured = {"report.build": took}
    for name, file in rendering.RENDERERS.items():
        measured[f"{name} {file}".strip()] = _timed(partial(rendering.render, name, document))
    with tempfile.TemporaryDirectory() as folder:
        path, names = Path(folder), rendering.written()
        measured["report.json"] = _timed(lambda: report.text(document))

        def write() -> str:
            said, _ = rendering.rendered(document, names)
            return str(placed({names[name]: text for name, text in said.items()}, path))

        measured["all rendered, and put into place"] = _timed(write)
    evidence = sum(len(row["evidence"]) for row in document["requirements"])
    print(f"{REQUIREMENTS} requirements, {evidence} exchanges as evidence, median of {REPETITIONS}")
    for name, (ms, size) in measured.items():
        print(f"  {name:<34}{ms:9.1f} ms{size / 1024:10.0f} KiB")
    return 0


def _document() -> tuple[dict[str, Any], tuple[float, int]]:
    """The document, and what it took to build it, of as many requirements as the catalogue has."""
    built: list[dict[str, Any]] = []
    judgements, recording = _run()

    def build() -> str:
        built.append(report.build(judgements, recording, TARGET, profiles.profile("openai"), duration_s=1.0))
        return ""

    took = _timed(build)
    rows = built[-1]["requirements"]
    for number in range(REQUIREMENTS - len(rows)):
        rows.append(rows[number] | {"id": f"CHAT-{900 + number}"})
    built[-1]["summary"]["fail"] = len(rows)
    return built[-1], took


def _run() -> tuple[list[Judgement], Recording]:
    """A judgement of every requirement, each with its own evidence."""
    exchanges, judgements = [], []
    for number, id in enumerate(list(catalogue.requirements())[:REQUIREMENTS]):
        mine = [f"x{number}-{piece}" for piece in range(MAX_EVIDENCE)]
        exchanges += [_exchange(name) for name in mine]
        judgements.append(Judgement(id, Verdict.FAIL, f"seen of {id}: " + "x" * 500, tuple(mine), "t", Blame.GATEWAY))
    return judgements, Recording(Facts(model="m", model_chosen="listed"), exchanges)


def _exchange(id: str) -> Exchange:
    """A streamed chat."""
    sent = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Reply with the word OK. " * 20}]}
    headers = (("Content-Type", "application/json"), ("Authorization", f"Bearer {TARGET.api_key}"))
    event = json.dumps({"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {"content": "word "}}]}).encode()
    reads = tuple((0.1 + 0.01 * number, b"data: " + event + b"\n\n") for number in range(EVENTS))
    response = Response(200, (("Content-Type", "text/event-stream"), ("X-Request-Id", id)), reads)
    request = Request("POST", f"{TARGET.base_url}/chat/completions", headers, json.dumps(sent).encode())
    return Exchange(id, "chat_stream", request, response, duration_s=0.6)


def _timed(does: Callable[[], str]) -> tuple[float, int]:
    """Milliseconds, the median, and the size of what came, in bytes."""
    times = []
    for _ in range(REPETITIONS):
        began = time.perf_counter()
        text = does()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times), len(text.encode("utf-8", "replace"))


if __name__ == "__main__":
    raise SystemExit(main())
