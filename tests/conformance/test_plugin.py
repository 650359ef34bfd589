"""The pytest plugin: the same verdicts as the command, in one process or several, and a good neighbour."""

import json
from pathlib import Path

import pytest

from tests.conftest import KEY, ROOT, Command

WHAT = "LIST,MODEL,STREAM,AUTH-001,AUTH-004,CHAT-018"


def verdicts(folder: Path) -> dict[str, str]:
    report = json.loads((folder / "report.json").read_text())
    return {row["id"]: row["verdict"] for row in report["requirements"]}


def test_command_pytest_and_xdist_agree(run: Command, gateway_url: str, tmp_path: Path) -> None:
    url, env = gateway_url + "/v1", {"GATEPROOF_API_KEY": KEY}
    pytest_words = [str(ROOT / "conformance"), "--base-url", url, "--gateproof-only", WHAT, "-q"]
    runs = {
        "command": run("gateproof", "check", url, "--only", WHAT, "--output", "command", env=env),
        "one": run("pytest", *pytest_words, "--gateproof-output", str(tmp_path / "one"), cwd=ROOT, env=env),
        "two": run("pytest", *pytest_words, "-n2", "--gateproof-output", str(tmp_path / "two"), cwd=ROOT, env=env),
    }
    assert {name: done.returncode for name, done in runs.items()} == dict.fromkeys(runs, 0), runs
    assert verdicts(tmp_path / "command") == verdicts(tmp_path / "one") == verdicts(tmp_path / "two")
    counts = [json.loads((tmp_path / name / "report.json").read_text())["cost"]["requests"] for name in runs]
    assert len(set(counts)) == 1
    assert all((tmp_path / name / "junit.xml").exists() for name in runs)
    results = {name: len(list((tmp_path / name / "allure-results").glob("*-result.json"))) for name in runs}
    assert len(set(results.values())) == 1, results


def test_outcomes_in_pytests_own_terms(run: Command, gateway_url: str) -> None:
    words = ["--gateproof-only", "LIST", "--gateproof-model", "no-such-model", "--base-url", gateway_url + "/v1"]
    done = run("pytest", str(ROOT / "conformance"), *words, env={"GATEPROOF_API_KEY": KEY})
    assert done.returncode == 1
    assert "1 failed, 12 passed, 1 skipped" in done.stdout
    assert "LIST-006 fail: " in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ([], 4, "no gateway is named"),
        (["--base-url", "http://127.0.0.1:9/v1"], 6, "can't be reached"),
        (["--base-url", "{gateway}/v1", "--gateproof-api-key", "sk-wrong"], 6, "refuses the API key"),
        (["--base-url", "http://127.0.0.1:9/v1", "-n2"], 6, "can't be reached"),
        (["--base-url", "{gateway}/v1", "--gateproof-only", "LIST-01"], 4, "the nearest are"),
        (["--base-url", "{gateway}/v1", "--gateproof-api-key", KEY, "--gateproof-only", "NAME"], 5, "deselected"),
    ],
)
def test_exit_codes_are_the_commands(
    run: Command, gateway_url: str, words: list[str], code: int, sentence: str
) -> None:
    done = run("pytest", str(ROOT / "conformance"), *(word.format(gateway=gateway_url) for word in words))
    assert done.returncode == code, done.stdout + done.stderr
    assert sentence in done.stdout + done.stderr
    assert "INTERNALERROR" not in done.stdout + done.stderr


@pytest.mark.parametrize("first", ["pytest_base_url.plugin", "conformance.plugin"])
def test_it_shares_base_url_with_its_owner_in_either_order(run: Command, gateway_url: str, first: str) -> None:
    second = "conformance.plugin" if first.startswith("pytest") else "pytest_base_url.plugin"
    words = ["-p", first, "-p", second, "--base-url", gateway_url + "/v1", "--gateproof-only", "LIST-001"]
    env = {"GATEPROOF_API_KEY": KEY, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = run("pytest", str(ROOT / "conformance"), *words, env=env)
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_adds_base_url_where_nobody_else_does(run: Command, gateway_url: str) -> None:
    words = ["-p", "conformance.plugin", "--base-url", gateway_url + "/v1", "--gateproof-only", "LIST-001"]
    env = {"GATEPROOF_API_KEY": KEY, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = run("pytest", str(ROOT / "conformance"), *words, env=env)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_strange_variable_is_told_once_and_a_misspelt_one_refused(run: Command, gateway_url: str) -> None:
    words = [str(ROOT / "conformance"), "--base-url", gateway_url + "/v1", "--gateproof-only", "LIST-001", "-n2"]
    done = run("pytest", *words, env={"GATEPROOF_API_KEY": KEY, "GATEPROOF_VERSION": "1"})
    assert (done.returncode, done.stderr.count("GATEPROOF_VERSION in the environment is no setting")) == (0, 1)
    done = run("pytest", *words, env={"GATEPROOF_API_KEY": KEY, "GATEPROOF_MODLE": "m"})
    assert done.returncode == 4
    assert "gateproof: the environment's GATEPROOF_MODLE is no setting, did you mean 'GATEPROOF_MODEL'?" in done.stderr


def test_other_tests_of_the_environment_are_left_alone(run: Command, tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text("def test_base_url(base_url):\n    assert base_url == 'http://mine'\n")
    done = run("pytest", "--base-url", "http://mine", "-q")
    assert done.returncode == 0, done.stdout
    assert "gateproof" not in done.stdout


def test_collecting_sends_nothing(run: Command) -> None:
    done = run("pytest", str(ROOT / "conformance"), "--base-url", "http://127.0.0.1:9/v1", "--collect-only", "-q")
    assert done.returncode == 0
    assert "test_every_item_is_a_model_with_an_id" in done.stdout
