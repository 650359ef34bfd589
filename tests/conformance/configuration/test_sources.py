"""Where a setting comes from, and what is said of a name that is none."""

import json
from pathlib import Path

import pytest

from conformance.configuration.options import OPTIONS, ConfigError
from conformance.configuration.sources import sources, warnings
from conformance.target import load
from tests.conftest import Command

URL = "http://127.0.0.1:8000/v1"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for option in OPTIONS:
        monkeypatch.delenv(option.variable, raising=False)


def test_each_value_tells_its_origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gateproof.toml").write_text('profile = "nemo"\nmodel = "file"\n')
    monkeypatch.setenv("GATEPROOF_MODEL", "environment")
    found = sources({"concurrency": 4}, None, tmp_path).found
    told = {name: (found[name].value, found[name].origin) for name in ("profile", "model", "concurrency", "timeout")}
    assert told == {
        "profile": ("nemo", "gateproof.toml"),
        "model": ("environment", "GATEPROOF_MODEL"),
        "concurrency": (4, "--concurrency"),
        "timeout": (30.0, "default"),
    }


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("GATEPROOF_MODLE", "GATEPROOF_MODEL"),
        ("GATEPROOF_APIKEY", "GATEPROOF_API_KEY"),
        ("GATEPROOF_HEADERS", "GATEPROOF_HEADER"),
        ("GATEPROOF_BASEURL", "GATEPROOF_BASE_URL"),
    ],
)
def test_a_misspelt_variable_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, meant: str) -> None:
    monkeypatch.setenv(name, "x")
    with pytest.raises(ConfigError, match=f"{name} is no setting, did you mean '{meant}'"):
        sources({}, URL)


def test_a_variable_of_somebody_elses_is_told_and_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEPROOF_VERSION", "1.2")
    monkeypatch.setenv("GATEPROOF_EMPTY", "")
    monkeypatch.setenv("GATEPROOF_API_KEY_OF_MINE", "sk-mine")
    monkeypatch.setenv("GATEPROOF_DIRECT_API_KEY", "sk-direct")
    found = sources({"api_key_env": "GATEPROOF_API_KEY_OF_MINE"}, URL)
    assert found.ignored == ("GATEPROOF_VERSION",)
    assert warnings(found) == [
        "gateproof: GATEPROOF_VERSION in the environment is no setting of gateproof's, and is ignored"
    ]


@pytest.mark.parametrize(("text", "value"), [("yes", True), ("0", False), ("FALSE", False)])
def test_a_switch_is_on_or_off(monkeypatch: pytest.MonkeyPatch, text: str, value: bool) -> None:
    monkeypatch.setenv("GATEPROOF_STRICT", text)
    assert load({}, URL)[1].strict is value


def test_a_switch_that_is_neither_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEPROOF_STRICT", "maybe")
    with pytest.raises(ConfigError, match="GATEPROOF_STRICT=maybe"):
        sources({}, URL)


def test_the_key_that_is_named_nearest_to_the_run_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gateproof.toml").write_text('api_key = "sk-file"\n')
    monkeypatch.setenv("GATEPROOF_API_KEY_ENV", "MINE")
    monkeypatch.setenv("MINE", "sk-mine")
    assert load({}, URL, tmp_path)[0].api_key == "sk-mine"
    assert load({"api_key_command": "echo sk-printed"}, URL, tmp_path)[0].api_key == "sk-printed"


@pytest.mark.parametrize("text", ["0.9", "101%", "-1%", "many"])
def test_a_share_is_a_percentage(text: str) -> None:
    with pytest.raises(ConfigError, match="such as 95%"):
        load({"min_judged": text}, URL)


def test_config_shows_every_setting_and_no_secret(run: Command, tmp_path: Path) -> None:
    (tmp_path / "gateproof.toml").write_text(
        'base_url = "https://me:hidden-one@gw/v1"\nheader = ["Authorization: Basic hidden-two", "X-Team: blue"]\n'
        'api_key_command = "vault read --token hidden-three"\n'
    )
    (tmp_path / "gateproof.baseline.toml").write_text("")
    env = {"GATEPROOF_RESTRICTED_API_KEY": "hidden-four", "GATEPROOF_VERSION": "9"}
    told = run("gateproof", "config", "--api-key", "hidden-five", "--profile", "nemo", "--json", env=env)
    found = json.loads(told.stdout)
    assert (told.returncode, told.stderr) == (0, "")
    rows = {name: (row["value"], row["from"]) for name, row in found["settings"].items()}
    assert rows.keys() == {"base_url", *(option.name for option in OPTIONS)}
    assert rows["profile"] == ("nemo", "--profile")
    assert rows["base_url"] == ("https://me:[redacted]@gw/v1", "gateproof.toml")
    assert rows["header"] == (["Authorization: [redacted]", "X-Team: blue"], "gateproof.toml")
    assert rows["restricted_api_key"] == ("[redacted]", "GATEPROOF_RESTRICTED_API_KEY")
    assert rows["api_key_command"] == ("vault [redacted]", "gateproof.toml")
    assert rows["baseline"] == ("gateproof.baseline.toml", "found in this folder")
    assert rows["max_time"] == (1800.0, "default")
    assert found["ignored"] == ["GATEPROOF_VERSION"]
    for_a_person = run("gateproof", "config", "--api-key", "hidden-five", env=env)
    assert "hidden-" not in told.stdout + for_a_person.stdout
    assert for_a_person.stdout.splitlines()[1].split() == ["profile", "openai", "default"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--profile", "nmeo"], "did you mean 'nemo'"),
        (["--feature", "+tolls"], "did you mean 'tools'"),
        (["--only", "CHATS"], "there is no area 'CHATS', did you mean 'CHAT'"),
        (["--concurrency", "999"], "between 1 and 256"),
        (["localhost"], "is not a URL"),
        (["--baseline", "pyproject.toml"], "unknown key"),
    ],
)
def test_config_says_what_a_run_would_refuse(run: Command, tmp_path: Path, words: list[str], sentence: str) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    done = run("gateproof", "config", *words)
    assert done.returncode == 4
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
