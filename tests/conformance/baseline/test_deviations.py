"""Deviations of a dialect: known where they happen as written, stale where they no longer do, and no cover for more."""

import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from starlette.types import ASGIApp

from conformance import catalogue
from conformance.baseline.deviations import Deviation, settled
from conformance.profiles import names, profile
from conformance.verdict import Broken, Inconclusive, Verdict
from reference_gateway.app import create_app
from reference_gateway.config import NemoRule, default_config, with_settings
from reference_gateway.gateway import Gateway
from reference_gateway.server import running
from tests.conftest import Command

from ..suites.judged import KEY, judge, red

V = Verdict
DOTS = Deviation("the pattern takes dots", r"\(dot\): HTTP 404")
AT_TIMES = replace(DOTS, always=False)
AS_WRITTEN = Broken("a (dot): HTTP 404; b (dot): HTTP 404", (), ("a (dot): HTTP 404", "b (dot): HTTP 404"))
AND_MORE = Broken("a (dot): HTTP 404; c (mark !): HTTP 404", (), ("a (dot): HTTP 404", "c (mark !): HTTP 404"))
NEMO = "/apis/inference-gateway/v2/workspaces/default/openai/-/v1"
DEPLOYED = {f"NAME-{number:03}" for number in (10, 11, 12, 13, 22, 25, 26)}
"""What of NAME the platform's code does not keep."""


@pytest.mark.parametrize(
    ("deviation", "verdict", "error", "expected"),
    [
        (None, V.FAIL, AS_WRITTEN, V.FAIL),
        (None, V.PASS, None, V.PASS),
        (DOTS, V.FAIL, AS_WRITTEN, V.KNOWN),
        (DOTS, V.WARN, AS_WRITTEN, V.KNOWN),
        (DOTS, V.FAIL, AND_MORE, V.FAIL),
        (DOTS, V.FAIL, AssertionError("a (dot): HTTP 404"), V.KNOWN),
        (DOTS, V.PASS, None, V.STALE),
        (AT_TIMES, V.PASS, None, V.PASS),
        (AT_TIMES, V.FAIL, AS_WRITTEN, V.KNOWN),
        (DOTS, V.INCONCLUSIVE, Inconclusive("x"), V.INCONCLUSIVE),
        (DOTS, V.UNTESTABLE, None, V.UNTESTABLE),
        (DOTS, V.ERROR, KeyError("x"), V.ERROR),
        (DOTS, V.NOT_APPLICABLE, None, V.NOT_APPLICABLE),
    ],
)
def test_a_verdict_is_settled(
    deviation: Deviation | None, verdict: Verdict, error: Exception | None, expected: Verdict
) -> None:
    known = [deviation] if deviation else []
    assert settled(known, verdict, str(error or ""), error)[0] is expected


def test_what_goes_beyond_a_deviation_is_said_alone() -> None:
    assert settled([DOTS], V.FAIL, str(AND_MORE), AND_MORE) == (V.FAIL, "c (mark !): HTTP 404")


def test_what_other_tests_find_broken_is_not_stale() -> None:
    assert settled([DOTS], V.PASS, "", None, lambda: False)[0] is V.PASS
    assert settled([replace(DOTS, of_one_test=True)], V.PASS, "", None, lambda: False)[0] is V.STALE


@pytest.mark.parametrize(("verdict", "expected"), [(V.FAIL, V.FAIL), (V.WARN, V.STALE), (V.PASS, V.STALE)])
def test_what_has_expired_covers_nothing_and_is_red(verdict: Verdict, expected: Verdict) -> None:
    expired = replace(AT_TIMES, expired=date(2026, 1, 2), source="the baseline")
    found, said = settled([expired], verdict, "seen", AssertionError("seen"))
    assert found is expected
    assert said.startswith("the baseline covered this until 2026-01-02, and has expired (the pattern takes dots)")


def test_one_deviation_after_another_is_asked() -> None:
    other = Deviation("the marks, too", r"\(mark !\): HTTP 404")
    assert settled([other, DOTS], V.FAIL, str(AS_WRITTEN), AS_WRITTEN)[0] is V.KNOWN


def test_the_reason_is_said() -> None:
    assert settled([DOTS], V.FAIL, "seen", AS_WRITTEN)[1] == "the pattern takes dots: seen"
    assert settled([DOTS], V.PASS, "", None)[1] == "it is kept, though the profile says: the pattern takes dots"


@pytest.mark.parametrize(
    ("delta", "expected"),
    [('{"content": ""}', V.KNOWN), ('{"role": "assistant", "content": ""}', V.KNOWN), ('{"content": "more"}', V.FAIL)],
)
def test_only_an_empty_choice_beside_the_usage_is_watsonxs_way(delta: str, expected: Verdict) -> None:
    choice = f'{{"index": 0, "delta": {delta}, "finish_reason": "", "logprobs": null}}'
    seen = f"the chunk with usage has the choices [{choice}]"
    deviation = profile("watsonx").deviations["STREAM-031"]
    assert settled([deviation], V.FAIL, seen, Broken(seen))[0] is expected


@pytest.mark.parametrize("name", names())
def test_deviations_are_of_requirements_that_apply(name: str) -> None:
    found = profile(name)
    for id, deviation in found.deviations.items():
        assert found.applies(catalogue.requirement(id)), id
        assert deviation.reason and not deviation.reason.endswith("."), id
        assert re.compile(deviation.expect).pattern, id


def test_a_profile_that_extends_another_has_all_of_it() -> None:
    base, upstream = profile("nemo"), profile("nemo-upstream")
    assert upstream.extends == "nemo"
    assert (upstream.areas, upstream.paths, upstream.excluded) == (base.areas, base.paths, base.excluded)
    assert upstream.expect.error_schema == base.expect.error_schema
    assert upstream.expect.entity_name_pattern and not base.expect.entity_name_pattern


def nemo(rule: NemoRule) -> ASGIApp:
    config = replace(with_settings(default_config(), {"ttft_s": 0.0, "itl_s": 0.0}), nemo_rule=rule)
    return create_app(Gateway.open(config, tokens=[KEY], seed=1))


def judged(rule: NemoRule, dialect: str) -> dict[str, Verdict]:
    found = judge(nemo(rule), "NAME", path=NEMO, profile=dialect)
    return {id: said.verdict for id, said in found.items() if said.verdict is V.KNOWN or id in red(found)}


def test_what_the_code_of_the_platform_does_is_known_by_its_profile_and_a_failure_by_the_published_one() -> None:
    deployed = judged(NemoRule.DEPLOYED, "nemo")
    assert set(deployed) <= DEPLOYED
    known = judged(NemoRule.DEPLOYED, "nemo-upstream")
    assert {id for id, verdict in known.items() if verdict is V.KNOWN} == set(deployed)
    assert {id for id, verdict in known.items() if verdict is not V.KNOWN} == DEPLOYED - set(deployed)


def test_what_the_code_no_longer_does_is_stale() -> None:
    assert judged(NemoRule.PUBLISHED, "nemo-upstream").items() >= dict.fromkeys(DEPLOYED, V.STALE).items()


def test_the_report_and_the_exit_code_say_so(run: Command, tmp_path: Path) -> None:
    with running(nemo(NemoRule.DEPLOYED)) as url:
        words = ["--profile", "nemo-upstream", "--api-key", KEY, "--output", "out"]
        known = run("gateproof", "check", url + NEMO, *words, "--only", "NAME-011,NAME-010")
        report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert known.returncode == 0, known.stdout + known.stderr
    assert "KNOWN        NAME-011" in known.stdout
    assert report["summary"]["known"] == 2 and report["conformant"]
    assert report["requirements"][1]["message"].startswith("The deployed pattern takes dots: ")
    with running(nemo(NemoRule.PUBLISHED)) as url:
        stale = run("gateproof", "check", url + NEMO, *words, "--only", "NAME-011")
    assert stale.returncode == 1
    assert "STALE        NAME-011" in stale.stdout


def test_in_pytests_own_terms_known_is_skipped_and_stale_failed(run: Command) -> None:
    words = ["--gateproof-profile", "nemo-upstream", "--gateproof-api-key", KEY, "-rs"]
    with running(nemo(NemoRule.DEPLOYED)) as url:
        done = run(
            "pytest", "--pyargs", "conformance", "--base-url", url + NEMO, *words, "--gateproof-only", "NAME-011"
        )
    assert done.returncode == 0, done.stdout
    assert "known: The deployed pattern takes dots" in done.stdout
    with running(nemo(NemoRule.PUBLISHED)) as url:
        done = run(
            "pytest", "--pyargs", "conformance", "--base-url", url + NEMO, *words, "--gateproof-only", "NAME-011"
        )
    assert "NAME-011 stale: " in done.stdout and "1 failed" in done.stdout
