"""The table of names and readings: what it shows of gateways by each reading, and of one that follows none."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from conformance.names import DEPLOYED, READINGS, TABLE
from reference_gateway.app import create_app
from reference_gateway.config import NemoRule, default_config, with_settings
from reference_gateway.gateway import Gateway
from reference_gateway.server import running
from tests.conftest import Command

from ..suites.judged import KEY

NEMO = "/apis/inference-gateway/v2/workspaces/default/openai/-/v1"
CODE = "consistent with no reading of the published rule, but with what the platform's code takes"


@contextmanager
def serving(pattern: str = "", rule: NemoRule = NemoRule.PUBLISHED) -> Iterator[str]:
    config = replace(with_settings(default_config(), {"ttft_s": 0.0, "itl_s": 0.0}), nemo_rule=rule)
    if pattern:
        config = replace(config, entity_name_pattern=re.compile(pattern))
    with running(create_app(Gateway.open(config, tokens=[KEY], seed=1))) as url:
        yield url + NEMO


@pytest.mark.parametrize("reading", READINGS)
def test_the_reading_that_a_gateway_follows_is_the_only_one_that_fits(run: Command, reading: str) -> None:
    with serving(READINGS[reading]) as url:
        done = run("gateproof", "names", url, "--profile", "nemo", "--api-key", KEY)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1] == f"consistent with reading {reading}"
    assert [line.split()[0] for line in lines if line.endswith("fits every answer")] == [reading]
    assert lines[0].split() == ["kind", "name", *READINGS, "U", "plain", "streamed", "completions", "embeddings"]
    assert len(lines) == 1 + len(TABLE) + 2 + len(READINGS) + 2


def test_every_name_has_a_mark_by_each_rule_and_an_answer_at_each_endpoint(run: Command) -> None:
    with serving(READINGS["E"]) as url:
        done = run("gateproof", "names", url, "--profile", "nemo", "--api-key", KEY)
    shown = {line[:34].strip(): line.split()[-11:] for line in done.stdout.splitlines()[1 : 1 + len(TABLE)]}
    assert list(shown) == list(TABLE)
    assert shown["2 letters"] == ["✓"] * 7 + ["404"] * 4
    assert shown["two hyphens in a row"] == [*"✓✓✓✓·✓·", *["422"] * 4]
    assert shown["dot"] == [*"······✓", *["422"] * 4]
    assert shown["trailing line feed"] == [*"······✓", *["422"] * 4]


def test_what_the_code_of_the_platform_takes_is_told_apart(run: Command) -> None:
    with serving(rule=NemoRule.DEPLOYED) as url:
        published = run("gateproof", "names", url, "--profile", "nemo", "--api-key", KEY)
        upstream = run("gateproof", "names", url, "--profile", "nemo-upstream", "--api-key", KEY)
    assert (published.returncode, published.stdout.splitlines()[-1]) == (1, CODE)
    assert (upstream.returncode, upstream.stdout.splitlines()[-1]) == (0, CODE)


def test_a_configured_pattern_is_what_counts(run: Command) -> None:
    with serving(READINGS["B"]) as url:
        words = ["gateproof", "names", url, "--profile", "nemo", "--api-key", KEY, "--entity-name-pattern"]
        assert run(*words, READINGS["B"]).returncode == 0
        assert run(*words, READINGS["C"]).returncode == 1
        assert run(*words, "[").returncode == 4


def test_a_gateway_by_no_rule_fits_none(run: Command) -> None:
    with serving("[a-z~]{2,63}") as url:
        done = run("gateproof", "names", url, "--profile", "nemo", "--api-key", KEY)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "consistent with no reading")


def test_the_deployed_pattern_is_as_the_facts_say() -> None:
    taken = {"ab", "a.b", "a_b", "a@b", "a+b", "ab\n"}
    assert {
        name for name in (*taken, "7b", "a--b", "a-", "-a", "Ab", "a", "ab\n\n") if re.fullmatch(DEPLOYED, name)
    } == taken


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["{gateway}/v1", "--api-key", KEY], 4, "has no entity names"),
        (["{gateway}" + NEMO, "--profile", "nemo"], 6, "asks for an API key"),
        (["http://127.0.0.1:9" + NEMO, "--profile", "nemo"], 6, "can't be reached"),
    ],
)
def test_what_goes_wrong_is_one_line_and_a_code(run: Command, words: list[str], code: int, sentence: str) -> None:
    with serving() as url:
        done = run("gateproof", "names", *(word.format(gateway=url.removesuffix(NEMO)) for word in words))
    assert (done.returncode, done.stdout) == (code, "")
    assert sentence in done.stderr and done.stderr.count("\n") == 1
