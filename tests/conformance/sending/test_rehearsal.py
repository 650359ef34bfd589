"""The plan of a run, held against the run itself."""

import json
import re
from pathlib import Path

import pytest

from reference_gateway.scripted import before
from tests.conformance.suites.ups.test_ups import KEY as PROXY_KEY
from tests.conformance.suites.ups.test_ups import PROVIDER_KEY, standing
from tests.conftest import KEY, Command


@pytest.mark.parametrize("only", ["", "CHAT,STREAM"])
def test_a_plan_is_right_within_a_tenth(run: Command, gateway_url: str, tmp_path: Path, only: str) -> None:
    words = [gateway_url + "/v1", "--api-key", KEY, *(["--only", only] if only else [])]
    planned = run("gateproof", "check", *words, "--plan")
    assert planned.returncode == 0, planned.stderr
    wanted = [int(number) for number in re.findall(r"\d+", planned.stdout)]
    requirements, requests, prompt, completion, *_ = wanted
    done = run("gateproof", "check", *words, "--output", "out")
    assert done.returncode == 0, done.stdout
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert requirements == len(report["requirements"])
    cost = report["cost"]
    assert requests == pytest.approx(cost["requests"], rel=0.1)
    assert prompt == pytest.approx(cost["prompt_tokens"], rel=0.1)
    assert completion == pytest.approx(cost["completion_tokens"], rel=0.1)


def test_a_plan_counts_what_is_asked_behind_the_gateway(run: Command, tmp_path: Path) -> None:
    with standing() as (url, upstream):
        words = [url, "--api-key", PROXY_KEY, "--model", before.MODEL, "--only", "UPS-001,UPS-013,UPS-026"]
        words += ["--upstream", upstream, "--upstream-key", PROVIDER_KEY]
        planned = run("gateproof", "check", *words, "--plan")
        assert planned.returncode == 0, planned.stderr
        done = run("gateproof", "check", *words, "--output", "out")
        capped = run("gateproof", "check", *words, "--max-requests", "5")
    cost = json.loads((tmp_path / "out" / "report.json").read_text())["cost"]
    assert int(re.findall(r"need (\d+) requests", planned.stdout)[0]) == pytest.approx(cost["requests"], rel=0.1)
    assert done.returncode == 0, done.stdout
    assert capped.returncode == 4
    assert capped.stderr.startswith("gateproof: --max-requests 5: this run needs about ")


def test_a_plan_sends_nothing(run: Command) -> None:
    planned = run("gateproof", "check", "http://127.0.0.1:9", "--plan", "--only", "LIST")
    assert planned.returncode == 0, planned.stderr
    assert "none was sent" in planned.stdout
    assert "longest chain" in planned.stdout


def test_a_plan_is_made_by_one_process(run: Command) -> None:
    words = ["--base-url", "http://127.0.0.1:9/v1", "--gateproof-plan", "--gateproof-only", "LIST"]
    alone = run("pytest", "--pyargs", "conformance", *words)
    assert alone.returncode == 0, alone.stdout + alone.stderr
    assert "none was sent" in alone.stdout
    shared = run("pytest", "--pyargs", "conformance", "-n", "2", *words)
    assert shared.returncode == 4
    assert "leave out -n" in shared.stderr


@pytest.mark.parametrize(
    ("path", "profile"),
    [("/ml/gateway/v1", "watsonx"), ("/apis/inference-gateway/v2/workspaces/default/openai/-/v1", "nemo")],
)
def test_every_dialect_can_be_planned(run: Command, path: str, profile: str) -> None:
    planned = run("gateproof", "check", f"http://127.0.0.1:9{path}", "--profile", profile, "--plan")
    assert planned.returncode == 0, planned.stderr
    assert int(re.findall(r"need (\d+) requests", planned.stdout)[0]) > 150


@pytest.mark.parametrize(("cap", "words"), [("--max-requests", "3"), ("--budget-tokens", "50")])
def test_a_run_that_would_pass_its_cap_is_not_begun(run: Command, gateway_url: str, cap: str, words: str) -> None:
    done = run("gateproof", "check", gateway_url + "/v1", "--api-key", KEY, "--only", "CHAT", cap, words)
    assert done.returncode == 4
    assert done.stderr.startswith(f"gateproof: {cap} {words}: this run needs about ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("cap", ["--max-requests", "--budget-tokens"])
def test_a_cap_must_be_a_number_above_0(run: Command, cap: str) -> None:
    done = run("gateproof", "check", "http://127.0.0.1:9/v1", cap, "0")
    assert (done.returncode, done.stderr) == (4, f"gateproof: {cap} 0: must be 1 or more\n")
