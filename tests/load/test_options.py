"""The options of a load test: read from texts, as locust's web form sends them, and refused with a sentence."""

import argparse
import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.target import ConfigError
from load.command import configure
from load.command.locust_run import Job, command, crash, environment, last_words
from load.command.order import Order, order_of
from load.options import DIRECT_KEY, OPTIONS, TARGET_NAMES, Settings, direct_of, target_of
from load.progress import line, read, write
from load.spans import seconds


def of_locust(**given: Any) -> argparse.Namespace:
    names = [*(option.name for option in OPTIONS), *TARGET_NAMES]
    return argparse.Namespace(**{f"gateproof_{name}": given.get(name, "") for name in names})


def test_empty_fields_take_the_defaults() -> None:
    assert Settings.of({option.name: "" for option in OPTIONS}) == Settings() == Settings.of({})


def test_texts_are_read() -> None:
    found = Settings.of(
        {"scenario": "mixed", "rate": "2.5", "max_in_flight": "7", "max_tokens": "9", "seed": "-3", "stall": "250ms"}
        | {"slo": ["ttft_p95 < 300ms, error_rate < 1%", "goodput > 0.9"], "length": "3s"}
    )
    assert found.schedule is not None and found.schedule.peak() == 2.5
    assert (found.scenario, found.max_in_flight, found.max_tokens, found.seed) == ("mixed", 7, 9, -3)
    assert (found.stall_s, found.length_s) == (0.25, 3)
    assert found.slo == ("ttft_p95 < 300ms", "error_rate < 1%", "goodput > 0.9")
    assert Settings.of({"slo": "a < 1, b > 2"}).slo == ("a < 1", "b > 2")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"scenario": "chat"}, "--scenario chat: there are chat-short"),
        ({"rate": "fast"}, "--rate fast"),
        ({"rate": "0"}, "--rate 0"),
        ({"rate": "inf"}, "--rate inf"),
        ({"max_in_flight": "0"}, "--max-in-flight 0"),
        ({"max_tokens": "2.5"}, "--max-tokens 2.5"),
        ({"max_tokens": "²"}, "--max-tokens"),
        ({"seed": "x"}, "--seed x"),
        ({"stall": "now"}, "--stall now"),
        ({"prompts": "/nowhere"}, "--prompts /nowhere"),
        ({"arrivals": "replay:/nowhere"}, "replay:/nowhere"),
    ],
)
def test_what_can_t_be_meant_is_told(values: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Settings.of(values)


@pytest.mark.parametrize(
    ("text", "found"),
    [("10", 10), ("1.5s", 1.5), ("250ms", 0.25), ("1h30m", 5400), ("2M", 120), ("", None), ("s", None), ("5x", None)],
)
def test_times_are_read_as_users_write_them(text: str, found: float | None) -> None:
    assert seconds(text) == found


@pytest.mark.parametrize(
    ("host", "profile", "url"),
    [
        ("http://gw/v1", "", "http://gw/v1"),
        ("http://gw", "", "http://gw"),
        ("http://gw/", "openai", "http://gw/v1"),
        ("http://gw", "watsonx", "http://gw/ml/gateway/v1"),
        ("http://gw", "nemo", "http://gw/apis/inference-gateway/v2/workspaces/default/openai/-/v1"),
        ("http://gw/own", "nemo", "http://gw/own"),
    ],
)
def test_a_named_dialect_gives_a_host_its_path(host: str, profile: str, url: str) -> None:
    assert target_of(of_locust(profile=profile), host).base_url == url


def test_the_gateway_s_key_is_not_sent_to_the_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DIRECT_KEY, raising=False)
    target = target_of(of_locust(api_key="sk-gateway", header=["X-Secret: hush"]), "http://gw/v1")
    direct = direct_of(target, Settings(direct="http://provider", direct_model="m2"))
    assert direct is not None and (direct.base_url, direct.model) == ("http://provider/v1", "m2")
    assert direct.api_key is None and direct.headers == ()
    monkeypatch.setenv(DIRECT_KEY, "sk-provider")
    assert (direct_of(target, Settings(direct="http://provider")) or target).api_key == "sk-provider"
    assert direct_of(target, Settings()) is None


def test_no_secret_stands_in_the_words_of_locust_s_command_line(tmp_path: Path) -> None:
    target = target_of(of_locust(api_key="sk-hush-1", header=["X-Token: sk-hush-2"]), "http://user:sk-hush-3@gw/v1")
    job = Job(target, "m", {"scenario": "mixed", "slo": ["a < 1"], "rate": None}, 3, 3, 10)
    words = " ".join(command(job, tmp_path))
    assert "hush" not in words and "--gateproof-scenario=mixed --gateproof-slo=a < 1" in words
    assert environment(target)["GATEPROOF_API_KEY"] == "sk-hush-1"


def test_what_the_caller_has_set_for_locust_and_gateproof_does_not_change_a_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOCUST_USERS", "77")
    monkeypatch.setenv("GATEPROOF_MODEL", "other")
    assert not {"LOCUST_USERS", "GATEPROOF_MODEL"} & environment(target_of(of_locust(), "http://gw/v1")).keys()


def test_a_crash_in_locust_s_log_is_found(tmp_path: Path) -> None:
    assert crash(tmp_path) == ""
    (tmp_path / "locust.log").write_text("[x] starting\ngateproof: no such thing\n[x] over\n")
    assert crash(tmp_path) == "" and last_words(tmp_path) == "no such thing"
    (tmp_path / "locust.log").write_text('[x]\nTraceback (most recent call last):\n  File "a"\nValueError: no\n[x]\n')
    assert crash(tmp_path) == "ValueError: no"


def test_progress_is_one_line_of_what_is_known(tmp_path: Path) -> None:
    assert read(tmp_path / "row.json") == {}
    assert line({}, 3, 10, "rate 5: ") == "rate 5: 3 of 10 s"
    row = {"ended": 7, "failed": 1, "active": 2, "ttft_p50_s": 0.05, "tokens_per_s": 99.7, "loop_lag_s": 0.001}
    write(tmp_path / "row.json", row)
    assert read(tmp_path / "row.json") == json.loads(json.dumps(row))
    said = line(read(tmp_path / "row.json"), 12, 10)
    assert said == "10 of 10 s | 7 answered, 1 failed, 2 open | TTFT 50 ms | 100 tokens/s | lag 1.0 ms"


def ordered(*words: str) -> Order:
    parser = argparse.ArgumentParser()
    configure(parser)
    return order_of(parser.parse_args(words))


@pytest.mark.parametrize(
    "words",
    [
        ("--users", "7", "--duration", "90", "--max-tokens", "5", "--no-calibration"),
        (
            "--arrivals",
            "ramp:from=1,to=5,over=10s",
            "--processes",
            "3",
            "--slo",
            "ttft_p95 < 1s",
            "--slo",
            "e2e_p50<2s",
        ),
        ("--rate", "2.5", "--timeout", "4.5", "--insecure", "--header", "X-Tenant: a b", "--seed", "9"),
        ("--sweep", "users=1:64", "--scenario", "multi-turn", "--spawn-rate", "3"),
        ("--sweep", "5,10.5,20", "--direct", "https://provider/v1", "--direct-model", "x"),
    ],
)
def test_the_command_that_is_told_orders_the_same_again(words: tuple[str, ...]) -> None:
    first = ordered("https://gw.test/v1", *words)
    program, verb, *again = shlex.split(first.command("m 1"))
    second = ordered(*again)
    assert (program, verb) == ("gateproof", "load")
    assert second == replace(
        first, target=replace(first.target, model="m 1", profile_given=True), options=second.options
    )
    given = {name: value for name, value in first.options.items() if value}
    assert {name: value for name, value in second.options.items() if value} == given


def test_no_secret_is_in_the_command_that_is_told() -> None:
    words = ("--api-key", "sk-secret-1", "--header", "X-Api-Key: sk-secret-2", "--direct", "https://u:sk-secret-3@p/v1")
    told = ordered("https://u:sk-secret-4@gw.test/v1", *words).command("m")
    assert "secret" not in told and "https://gw.test/v1" in told and "--direct https://p/v1" in told
