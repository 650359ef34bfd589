"""The skip budget: how many of the profile's MUSTs a run judged, and what is red for judging fewer."""

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from conformance import catalogue
from conformance.catalogue import Level
from conformance.judging.budget import Least, judged, least
from conformance.profiles import profile
from conformance.target import ConfigError, Settings
from conformance.verdict import Verdict
from tests.conformance.baseline.recorded import recorded
from tests.conformance.suites.judged import gateway_app
from tests.conftest import Command

OPENAI = profile("openai")
MUSTS = [
    id
    for id, found in catalogue.requirements().items()
    if OPENAI.applies(found) and OPENAI.level(found) is Level.MUST and not found.not_judged
]


def test_what_says_whether_a_must_is_kept_counts_and_nothing_else() -> None:
    verdicts = dict(zip(MUSTS, Verdict, strict=False))
    found = judged(verdicts | {"CHAT-022": Verdict.PASS}, OPENAI, None)
    assert (found["musts"], found["of"], found["enough"]) == (5, len(MUSTS), True)
    assert found["share"] == round(5 / len(MUSTS), 4)
    assert set(found) == {"musts", "of", "share", "enough"}


@pytest.mark.parametrize(("more", "enough"), [(Fraction(0), True), (Fraction(1, 10**9), False)])
def test_a_share_is_compared_exactly(more: Fraction, enough: bool) -> None:
    kept = dict.fromkeys(MUSTS[: len(MUSTS) // 2], Verdict.PASS)
    asked = Fraction(len(kept), len(MUSTS)) + more
    assert judged(kept, OPENAI, Least(asked, "x"))["enough"] is enough


def report(path: Path, musts: int, of: int, name: str = "openai") -> Path:
    path.write_text(json.dumps({"profile": name, "summary": {"judged": {"musts": musts, "of": of}}}))
    return path


def test_the_higher_of_both_shares_holds(tmp_path: Path) -> None:
    last = report(tmp_path / "last.json", 9, 10)
    found = least(Settings(last_report=last, min_judged=Fraction(1, 2)), OPENAI)
    assert found == Least(Fraction(9, 10), f"the last report, {last}")
    found = least(Settings(last_report=last, min_judged=Fraction(1)), OPENAI)
    assert found == Least(Fraction(1), "--min-judged")
    assert least(Settings(), OPENAI) is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "it can't be read"),
        ("no JSON", "it is no report.json that tells"),
        ('{"profile": "openai", "summary": {}}', "it is no report.json that tells"),
        ("[]", "it is no report.json that tells"),
        ('{"profile": "nemo", "summary": {"judged": {"musts": 1, "of": 2}}}', "of the profile 'nemo', and this run of"),
    ],
)
def test_a_last_report_that_cant_be_compared_with_is_refused(tmp_path: Path, text: str | None, sentence: str) -> None:
    path = tmp_path / "last.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=sentence):
        least(Settings(last_report=path), OPENAI)


@pytest.fixture
def check(run: Command, tmp_path: Path) -> Callable[..., Any]:
    kept = recorded(gateway_app(), tmp_path / "run.json")
    return lambda *words, only="CHAT-001,CHAT-023": run("gateproof", "check", "--replay", kept, "--only", only, *words)


def test_a_run_that_judges_less_than_the_last_one_is_red(check: Callable[..., Any], tmp_path: Path) -> None:
    assert check("--output", "last").returncode == 0
    assert check("--last-report", "last/report.json").returncode == 0
    less = check("--last-report", "last/report.json", "--output", "now", only="CHAT-001")
    assert less.returncode == 1
    assert "NOT enough judged: 1 of the profile's" in less.stdout
    found = json.loads((tmp_path / "now" / "report.json").read_text())
    assert (found["conformant"], found["summary"]["judged"]["enough"]) == (False, False)
    assert found["summary"]["judged"]["source"] == "the last report, last/report.json"


def test_a_share_can_be_asked_for_in_pytest_too(check: Callable[..., Any], run: Command) -> None:
    assert check("--min-judged", "0.1%").returncode == 0
    assert check("--min-judged", "50%").returncode == 1
    words = ["--gateproof-replay", "run.json", "--gateproof-only", "CHAT-001", "-n", "2"]
    done = run("pytest", "--pyargs", "conformance", *words, "--gateproof-min-judged", "50%")
    assert done.returncode == 1
    assert "fewer than 50.0% (--min-judged)" in done.stdout
