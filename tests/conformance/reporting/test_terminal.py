"""The table by area says the same as the last lines, and what was throttled is told."""

from typing import Any

from conformance.reporting.terminal import lines
from conformance.verdict import Verdict


def document(*verdicts: Verdict, **more: Any) -> dict[str, Any]:
    rows = [
        {"id": f"CHAT-{number:03}", "level": "MUST", "verdict": verdict, "statement": "", "message": "", "evidence": []}
        for number, verdict in enumerate(verdicts, start=1)
    ]
    return {
        "target": {"base_url": "http://x/v1", "model": "m", "model_chosen": "given"},
        "profile": "openai",
        "requirements": rows,
        "summary": {verdict.value: verdicts.count(verdict) for verdict in Verdict},
        "cost": {"requests": 9, "prompt_tokens": 1, "completion_tokens": 1},
        "duration_s": 1.0,
        "conformant": False,
        **more,
    }


def table(*verdicts: Verdict) -> dict[str, str]:
    shown = list(lines(document(*verdicts)))
    at = next(number for number, line in enumerate(shown) if line.startswith("  area"))
    return dict(zip(shown[at].split(), shown[at + 1].split(), strict=False))


def test_untestable_and_stale_have_columns_of_their_own() -> None:
    found = table(Verdict.FAIL, Verdict.UNTESTABLE, Verdict.UNTESTABLE, Verdict.STALE, Verdict.PASS)
    assert (found["fail"], found["untest."], found["stale"], found["pass"]) == ("1", "2", "1", "1")


def test_columns_without_a_row_are_left_out() -> None:
    assert list(table(Verdict.PASS, Verdict.WARN)) == [
        "area",
        "pass",
        "fail",
        "warn",
        "error",
        "known",
        "inconcl.",
        "n/a",
    ]


def test_throttling_is_told_with_what_helps() -> None:
    said = [line for line in lines(document(busy={"obeyed": 17, "given_up": 1})) if "throttled" in line]
    counts = "17 answers were 429 or 503, obeyed and asked again, 1 request given up"
    assert said == [f"throttled: {counts}; a lower --concurrency meets fewer"]
    assert not [line for line in lines(document(busy={"obeyed": 0, "given_up": 0})) if "throttled" in line]
